using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Evaluation;

namespace Microsoft.ML.Reversible.Tests.MLNet;

/// <summary>Tests rows that are computed together, through the zero-shot evaluator, which uses them.</summary>
[TestClass]
public sealed class ReadAheadTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly FakeSource _source = new((_, text) => -int.Parse(text));

    [TestMethod]
    public void RowsAreComputedTogetherAFewAtFirst()
    {
        IDataView view = View(20);
        CollectionAssert.AreEqual(Enumerable.Range(0, 20).ToArray(), Scores(view));
        CollectionAssert.AreEqual(new[] { 4, 8, 8 }, _source.Calls);
    }

    [TestMethod]
    public void NothingIsComputedBeforeItIsReadOrWhereNobodyAsks()
    {
        var probe = new ProbeView(Data(20));
        IDataView view = Transform(probe);
        Assert.HasCount(20, view.GetColumn<string>("Question").ToArray());
        Assert.IsEmpty(_source.Calls);
        CollectionAssert.AreEqual(new[] { "Question" }, probe.Requests.Single());

        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Score"]]))
        {
            ValueGetter<VBuffer<float>> score = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
            VBuffer<float> value = default;
            for (int i = 0; i <= 15; i++) Assert.IsTrue(cursor.MoveNext());
            score(ref value);
            Assert.AreEqual(-15, value.GetItemOrDefault(0));
            score(ref value);
            Assert.IsFalse(cursor.IsColumnActive(view.Schema["Question"]));
        }
        CollectionAssert.AreEqual(new[] { 4 }, _source.Calls, "the rows before were passed over, and a row is computed once");
        Assert.AreEqual(0, probe.OpenCursors);
    }

    [TestMethod]
    public void AFaultyRowFailsWhenItIsReachedAndNotBefore()
    {
        Questions.Row[] rows = Rows(10);
        rows[6].Label = 5;
        IDataView view = Transform(Questions.View(_ml, rows));
        var seen = new List<int>();
        Assert.ThrowsExactly<InvalidDataException>(() =>
        {
            foreach (float[] score in view.GetColumn<float[]>("Score")) seen.Add((int)-score[0]);
        });
        CollectionAssert.AreEqual(Enumerable.Range(0, 6).ToArray(), seen);
    }

    [TestMethod]
    public void ARowAfterAFaultyOneHasItsValue()
    {
        Questions.Row[] rows = Rows(10);
        rows[6].Label = 5;
        IDataView view = Transform(Questions.View(_ml, rows));
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Score"]]);
        ValueGetter<VBuffer<float>> score = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
        VBuffer<float> value = default;
        for (int i = 0; cursor.MoveNext(); i++)
        {
            if (i == 6)
            {
                for (int again = 0; again < 2; again++) Assert.ThrowsExactly<InvalidDataException>(() => score(ref value));
                continue;
            }
            score(ref value);
            Assert.AreEqual(-i, value.GetItemOrDefault(0));
        }
    }

    [TestMethod]
    public void ShuffledRowsKeepTheirScores()
    {
        IDataView view = _ml.Data.ShuffleRows(View(50), seed: 3);
        string[] questions = [.. view.GetColumn<string>("Question")];
        CollectionAssert.AreEqual(questions.Select(int.Parse).ToArray(), Scores(view));
        CollectionAssert.AreNotEqual(Enumerable.Range(0, 50).ToArray(), Scores(view));
    }

    [TestMethod]
    public void CursorSetsAreOneCursorWithAllRows()
    {
        IDataView view = View(9);
        DataViewRowCursor[] cursors = view.GetRowCursorSet(view.Schema, 3);
        Assert.HasCount(1, cursors);
        int rows = 0;
        while (cursors[0].MoveNext()) rows++;
        cursors[0].Dispose();
        Assert.AreEqual(9, rows);
    }

    [TestMethod]
    public void RowsOfAnInputThatChangesItsOrderAreComputedAloneWithAWarning()
    {
        var warnings = new List<string>();
        _ml.Log += (_, e) => warnings.Add(e.Message);
        IDataView view = Transform(new Reordered(Data(5)));
        CollectionAssert.AreEqual(Enumerable.Range(0, 5).ToArray(), Scores(view));
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 1, 1 }, _source.Calls);
        Assert.AreEqual(1, warnings.Count(text => text.Contains("one row at a time")));
    }

    [TestMethod]
    public void RowsThatKeepTheirNumberButNotTheirValuesAreComputedFromTheirOwnValues()
    {
        int cursors = 0;
        IDataView data = _ml.Data.LoadFromEnumerable(Alternating());
        CollectionAssert.AreEqual(new[] { 7, 8 }, Scores(Transform(data)));

        // As a query without an order: each enumeration gives other rows, and ML.NET numbers them from 0.
        IEnumerable<Questions.Row> Alternating() => ++cursors % 2 == 0 ? Rows(2) : [.. Rows(9).Skip(7)];
    }

    [TestMethod]
    public void AnInputThatCanBeReadOnlyOnceLosesNoRowSilently()
    {
        Assert.ThrowsExactly<InvalidOperationException>(() => Scores(Transform(Once())));
        CollectionAssert.AreEqual(Enumerable.Range(0, 20).ToArray(), Scores(Transform(_ml.Data.Cache(Once()))));

        // As the lines of a stream: all enumerations together give each row once.
        IDataView Once()
        {
            var rows = new Queue<Questions.Row>(Rows(20));
            return _ml.Data.LoadFromEnumerable(Taken());

            IEnumerable<Questions.Row> Taken()
            {
                while (rows.TryDequeue(out Questions.Row? row)) yield return row;
            }
        }
    }

    [TestMethod]
    public void ASecondPassComputesNothing()
    {
        IDataView view = View(20);
        int[] first = Scores(view);
        int calls = _source.Calls.Count;
        CollectionAssert.AreEqual(first, Scores(view));
        CollectionAssert.AreEqual(first.Reverse().ToArray(), Scores(_ml.Data.ShuffleRows(view, seed: 3)).Order().Reverse().ToArray());
        Assert.HasCount(calls, _source.Calls);
    }

    private int[] Scores(IDataView view) => [.. view.GetColumn<float[]>("Score").Select(score => (int)-score[0])];

    private IDataView View(int count) => Transform(Data(count));

    private IDataView Data(int count) => Questions.View(_ml, Rows(count));

    private IDataView Transform(IDataView data) => _ml.Reversible().ZeroShot(_source, Questions.Task()).Fit(data).Transform(data);

    private static Questions.Row[] Rows(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new Questions.Row { Question = $"{i}", Choices = [$"{i}"] })];

    /// <summary>Gives its rows without the first one to every second cursor.</summary>
    private sealed class Reordered(IDataView inner) : IDataView
    {
        private int _cursors;

        public DataViewSchema Schema => inner.Schema;

        public bool CanShuffle => false;

        public long? GetRowCount() => null;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        {
            DataViewRowCursor cursor = inner.GetRowCursor(columnsNeeded, rand);
            if (++_cursors % 2 == 0) cursor.MoveNext();
            return cursor;
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }
}
