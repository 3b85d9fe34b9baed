using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class TextColumnTests
{
    [TestMethod]
    public void ReadsTheRowsInOrderAsOftenAsItIsAsked()
    {
        IEnumerable<string> texts = TextColumn.Read(new StringsView("Story", ["one", "", "three"]), "Story");

        CollectionAssert.AreEqual(new[] { "one", "", "three" }, texts.ToArray());
        CollectionAssert.AreEqual(new[] { "one", "", "three" }, texts.ToArray());
    }

    [TestMethod]
    public void OpensItsCursorOnlyWhenReadAndClosesItWhenLeftEarly()
    {
        var data = new ProbeView(LengthColumns.Rows(new MLContext(seed: 1), "a", "b", "c"));

        IEnumerable<string> texts = TextColumn.Read(data, "Text");
        Assert.AreEqual(0, data.Requests.Count);
        Assert.AreEqual("a", texts.First());

        Assert.AreEqual(0, data.OpenCursors);
        CollectionAssert.AreEqual(new[] { "Text" }, data.Requests.Single());
    }

    [TestMethod]
    public void ChecksTheColumnAtOnce()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => TextColumn.Read(new StringsView("Story", []), "Text", "validation text"));
        StringAssert.StartsWith(error.Message, "Could not find validation text column 'Text'");
    }
}
