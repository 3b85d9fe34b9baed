using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Views;

[TestClass]
public class CursorTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ThePositionIsMinusOneBeforeTheFirstRowAndAfterTheLast()
    {
        var data = Numbers(2);
        using var cursor = data.GetRowCursor(data.Schema);

        Assert.AreEqual(-1, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(0, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(1, cursor.Position);
        Assert.IsFalse(cursor.MoveNext());
        Assert.AreEqual(-1, cursor.Position);
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void AGetterIsMadeOnceAndReadsTheCurrentRow()
    {
        var data = Numbers(3);
        using var cursor = data.GetRowCursor(data.Schema);
        var getter = cursor.GetGetter<int>(data.Schema["Number"]);
        var seen = new List<int>();
        var value = 0;
        while (cursor.MoveNext())
        {
            getter(ref value);
            seen.Add(value);
        }

        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, seen);
    }

    [TestMethod]
    public void AGetterOfAnotherTypeIsRefused()
    {
        var data = _ml.Transforms.CopyColumns("Copy", "Number").Fit(Numbers(1)).Transform(Numbers(1));
        using var cursor = data.GetRowCursor(data.Schema);

        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<long>(data.Schema["Number"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<long>(data.Schema["Copy"]));
    }

    [TestMethod]
    public void OnlyTheColumnsAskedForAreActive()
    {
        var data = _ml.Transforms.CopyColumns("Copy", "Number").Fit(Numbers(1)).Transform(Numbers(1));
        using var cursor = data.GetRowCursor([data.Schema["Copy"]]);

        Assert.IsTrue(cursor.IsColumnActive(data.Schema["Copy"]));
        Assert.IsFalse(cursor.IsColumnActive(data.Schema["Name"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Name"]));
    }

    [TestMethod]
    public void AnyOfSeveralCursorsTogetherGiveEveryRow()
    {
        var data = Numbers(5);
        var seen = new List<int>();
        foreach (var cursor in data.GetRowCursorSet(data.Schema, 2))
        {
            using (cursor)
            {
                var getter = cursor.GetGetter<int>(data.Schema["Number"]);
                var value = 0;
                while (cursor.MoveNext())
                {
                    getter(ref value);
                    seen.Add(value);
                }
            }
        }

        CollectionAssert.AreEquivalent(new[] { 0, 1, 2, 3, 4 }, seen);
    }

    [TestMethod]
    public void AColumnIsReadAsItsRawTypeAsTextOrAsArrays()
    {
        var words = new WordsView("Text", "a b", "c");
        var data = _ml.Transforms.Text.TokenizeIntoWords("Words", "Text").Fit(words).Transform(words);

        CollectionAssert.AreEqual(new[] { "a b", "c" }, data.GetColumn<ReadOnlyMemory<char>>("Text").Select(t => t.ToString()).ToArray());
        CollectionAssert.AreEqual(new[] { "a b", "c" }, data.GetColumn<string>("Text").ToArray());
        CollectionAssert.AreEqual(new[] { "a", "b" }, data.GetColumn<string[]>("Words").First());
        Assert.ThrowsExactly<InvalidOperationException>(() => data.GetColumn<int>("Text").ToArray());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<string>("Absent").ToArray());
    }

    private IDataView Numbers(int count) =>
        _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row { Number = i, Name = $"n{i}" }).ToArray());

    private sealed class Row
    {
        public int Number { get; set; }

        public string Name { get; set; } = "";
    }
}
