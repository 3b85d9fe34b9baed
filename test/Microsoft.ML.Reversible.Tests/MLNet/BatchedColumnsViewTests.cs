using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class BatchedColumnsViewTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly LengthColumns _lengths = new();

    [TestMethod]
    public void AddsItsColumnsAfterThoseOfTheInput()
    {
        IDataView view = View(out _, "a", "bcd");

        CollectionAssert.AreEqual(new[] { "Text", "Number", "Length", "Half" }, view.Schema.Select(column => column.Name).ToArray());
        Assert.AreEqual(NumberDataViewType.Int32, view.Schema["Length"].Type);
        Assert.AreEqual(NumberDataViewType.Single, view.Schema["Half"].Type);
        CollectionAssert.AreEqual(new[] { 1, 3 }, view.GetColumn<int>("Length").ToArray());
        CollectionAssert.AreEqual(new[] { 0.5f, 1.5f }, view.GetColumn<float>("Half").ToArray());
        CollectionAssert.AreEqual(new[] { 0f, 1f }, view.GetColumn<float>("Number").ToArray());
        CollectionAssert.AreEqual(new[] { "a", "bcd" }, view.GetColumn<string>("Text").ToArray());
    }

    [TestMethod]
    public void ComputesARowOnceForAllItsColumns()
    {
        IDataView view = View(out _, "a", "bc", "def");
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<int> length = cursor.GetGetter<int>(view.Schema["Length"]);
        ValueGetter<float> half = cursor.GetGetter<float>(view.Schema["Half"]);
        int a = 0;
        float b = 0;
        while (cursor.MoveNext())
        {
            length(ref a);
            half(ref b);
            length(ref a);
            Assert.AreEqual(a / 2f, b);
        }
        Assert.AreEqual(3, _lengths.Computed);
    }

    [TestMethod]
    public void ComputesNothingForARowThatIsSkipped()
    {
        IDataView view = View(out _, "a", "bc", "def");
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<int> length = cursor.GetGetter<int>(view.Schema["Length"]);
        Assert.IsTrue(cursor.MoveNext() && cursor.MoveNext() && cursor.MoveNext());
        int value = 0;
        length(ref value);
        Assert.AreEqual(3, value);
        Assert.AreEqual(1, _lengths.Computed);
    }

    [TestMethod]
    public void AsksForTheTextOnlyWhereAnAddedColumnIsActive()
    {
        IDataView view = View(out ProbeView input, "a");

        view.GetRowCursor([view.Schema["Number"]]).Dispose();
        view.GetRowCursor([view.Schema["Half"]]).Dispose();
        view.GetRowCursor([view.Schema["Text"], view.Schema["Half"]]).Dispose();
        view.GetRowCursor([]).Dispose();

        string[] requests = input.Requests.Select(names => string.Join(",", names)).ToArray();
        CollectionAssert.AreEqual(new[] { "Number", "Text", "Text", "Text", "Text", "" }, requests, "a second cursor reads ahead");
    }

    [TestMethod]
    public void OnlyTheColumnsAskedForAreActive()
    {
        IDataView view = View(out _, "a");
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Half"]]);

        Assert.IsTrue(cursor.IsColumnActive(view.Schema["Half"]));
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Length"]));
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Text"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<int>(view.Schema["Length"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Text"]));
    }

    [TestMethod]
    public void AGetterOfAnotherTypeIsRefused()
    {
        IDataView view = View(out _, "a");
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<double>(view.Schema["Half"]));
        StringAssert.Contains(error.Message, "'Half'");
    }

    [TestMethod]
    public void ThereAreNoValuesBeforeTheFirstRowOrAfterTheLast()
    {
        IDataView view = View(out _, "a");
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<int> length = cursor.GetGetter<int>(view.Schema["Length"]);
        int value = 0;
        Assert.ThrowsExactly<InvalidOperationException>(() => length(ref value));
        Assert.IsTrue(cursor.MoveNext());
        length(ref value);
        Assert.IsFalse(cursor.MoveNext());
        Assert.AreEqual(-1, cursor.Position);
        Assert.ThrowsExactly<InvalidOperationException>(() => length(ref value));
    }

    [TestMethod]
    public void AnAddedColumnHidesAnInputColumnOfItsName()
    {
        IDataView view = _lengths.View(_ml, LengthColumns.Rows(_ml, "abc"), length: "Number");

        Assert.AreEqual(4, view.Schema.Count);
        Assert.IsTrue(view.Schema[1].IsHidden);
        Assert.AreEqual(2, view.Schema["Number"].Index);
        Assert.AreEqual(3, view.GetColumn<int>("Number").Single());
        Assert.AreEqual(0f, view.GetColumn<float>(view.Schema[1]).Single());
    }

    [TestMethod]
    public void PositionBatchAndIdAreTheInputs()
    {
        IDataView view = View(out ProbeView input, "a", "b", "c");
        using DataViewRowCursor expected = input.GetRowCursor(input.Schema);
        using DataViewRowCursor actual = view.GetRowCursor(view.Schema);
        ValueGetter<DataViewRowId> expectedId = expected.GetIdGetter();
        ValueGetter<DataViewRowId> actualId = actual.GetIdGetter();
        DataViewRowId a = default;
        DataViewRowId b = default;
        while (expected.MoveNext())
        {
            Assert.IsTrue(actual.MoveNext());
            expectedId(ref a);
            actualId(ref b);
            Assert.AreEqual(a, b);
            Assert.AreEqual(expected.Position, actual.Position);
            Assert.AreEqual(expected.Batch, actual.Batch);
        }
        Assert.IsFalse(actual.MoveNext());
    }

    [TestMethod]
    public void ClosesTheInputsCursorsOnce()
    {
        IDataView view = View(out ProbeView input, "a");
        DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        Assert.AreEqual(2, input.OpenCursors);
        cursor.Dispose();
        cursor.Dispose();
        Assert.AreEqual(0, input.OpenCursors);
    }

    [TestMethod]
    public void ClosesTheInputsCursorsWhereTheComputationCannotStart()
    {
        var input = new ProbeView(LengthColumns.Rows(_ml, "a"));
        BatchedColumns<int, int> batched = _lengths.Batched with { Start = _ => throw new InvalidOperationException("no") };
        var view = new BatchedColumnsView<int, int>(_ml, input, _lengths.Columns(), batched, maker: null);

        Assert.ThrowsExactly<InvalidOperationException>(() => view.GetRowCursor(view.Schema));

        Assert.AreEqual(0, input.OpenCursors);
    }

    [TestMethod]
    public void AMissingInputColumnIsNamed()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _lengths.View(_ml, new StringsView("Other", ["a"])));
        StringAssert.StartsWith(error.Message, "Could not find input column 'Text'");
    }

    [TestMethod]
    public void AColumnWhoseSelectorGivesAnotherTypeIsRefused()
        => Assert.ThrowsExactly<ArgumentException>(() => new AddedColumns<int>([], _ => (ref int _) => { })
            .Add("Length", NumberDataViewType.Single, (in int output, ref int value) => value = output));

    [TestMethod]
    public void RowsAreComputedOnceHoweverOftenTheViewIsRead()
    {
        IDataView view = View(out _, "a", "bc", "def");
        for (int pass = 0; pass < 3; pass++) CollectionAssert.AreEqual(new[] { 1, 2, 3 }, view.GetColumn<int>("Length").ToArray());
        Assert.AreEqual(3, _lengths.Computed);
    }

    [TestMethod]
    public void RowsBeyondTheMemoryAreComputedAgainWithOneWarning()
    {
        var warnings = new List<string>();
        _ml.Log += (_, e) => warnings.Add(e.Message);
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => new string('a', i))];
        IDataView view = _lengths.View(_ml, LengthColumns.Rows(_ml, texts), mostBytes: 10 * 44);

        for (int pass = 0; pass < 3; pass++)
        {
            CollectionAssert.AreEqual(Enumerable.Range(0, 40).ToArray(), view.GetColumn<int>("Length").ToArray());
            Assert.AreEqual(Math.Min(pass, 1), warnings.Count(text => text.Contains("AppendCacheCheckpoint")), $"after pass {pass}");
        }
        Assert.AreEqual(40 + 2 * 30, _lengths.Computed, "ten rows are remembered");
    }

    private IDataView View(out ProbeView input, params string[] texts)
    {
        input = new ProbeView(LengthColumns.Rows(_ml, texts));
        return _lengths.View(_ml, input);
    }
}
