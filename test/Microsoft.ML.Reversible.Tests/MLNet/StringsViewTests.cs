using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class StringsViewTests
{
    [TestMethod]
    public void ACursorStandsOnNoRowBeforeTheFirstAndAfterTheLast()
    {
        var view = new StringsView("Text", ["a", "b"]);
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);

        Assert.AreEqual(-1, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(0, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        Assert.IsFalse(cursor.MoveNext());
        Assert.AreEqual(-1, cursor.Position);
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void TransformersOfMLNetReadIt()
    {
        var ml = new MLContext(seed: 1);
        var view = new StringsView("Text", ["a", "b"]);

        IDataView copied = ml.Transforms.CopyColumns("Copy", "Text").Fit(view).Transform(view);

        CollectionAssert.AreEqual(new[] { "a", "b" }, copied.GetColumn<string>("Copy").ToArray());
        Assert.AreEqual(2L, view.GetRowCount());
    }

    [TestMethod]
    public void AColumnNotAskedForIsNotActive()
    {
        var view = new StringsView("Text", ["a"]);
        using DataViewRowCursor cursor = view.GetRowCursor([]);
        Assert.IsFalse(cursor.IsColumnActive(view.Schema[0]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema[0]));
    }
}
