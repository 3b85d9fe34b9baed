using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Transforms;

[TestClass]
public class ColumnTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Text", "One, two", "three");

    [TestMethod]
    public void DroppedColumnsAreGoneAndTheOthersStay()
    {
        var chain = _ml.Transforms.CopyColumns("A", "Text").Append(_ml.Transforms.CopyColumns("B", "Text"))
            .Append(_ml.Transforms.DropColumns("Text", "A"));

        Assert.AreEqual("B", chain.Fit(_data).Transform(_data).Schema.Single().Name);
        Assert.AreEqual("B", chain.GetOutputSchema(SchemaShapes.From(_data.Schema)).Single().Name);
    }

    [TestMethod]
    public void SelectedColumnsAloneStay()
    {
        var chain = _ml.Transforms.CopyColumns("A", "Text").Append(_ml.Transforms.CopyColumns("B", "Text"))
            .Append(_ml.Transforms.SelectColumns("B", "Text"));

        CollectionAssert.AreEquivalent(new[] { "B", "Text" }, chain.Fit(_data).Transform(_data).Schema.Select(c => c.Name).ToArray());
    }

    [TestMethod]
    public void AColumnThatIsNotThereCannotBeSelected()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Transforms.CopyColumns("A", "Text").Append(_ml.Transforms.SelectColumns("Absent")).Fit(_data));
    }

    [TestMethod]
    public void ColumnsOfOneTypeAreJoinedIntoAVectorWithSlotNames()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Row { A = 1, B = [2, 3] } });

        var transformed = _ml.Transforms.Concatenate("Features", "A", "B").Fit(data).Transform(data);

        CollectionAssert.AreEqual(new[] { 1f, 2f, 3f }, transformed.GetColumn<float[]>("Features").Single());
        Assert.IsTrue(transformed.Schema["Features"].HasSlotNames());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Transforms.CopyColumns("C", "A").Append(_ml.Transforms.Concatenate("Features", "A", "Name")).Fit(data));
    }

    [TestMethod]
    public void TextIsLoweredAndSplitIntoWords()
    {
        var chain = _ml.Transforms.Text.NormalizeText("Lower", "Text", keepPunctuations: false)
            .Append(_ml.Transforms.Text.TokenizeIntoWords("Words", "Lower"));

        var transformed = chain.Fit(_data).Transform(_data);

        CollectionAssert.AreEqual(new[] { "one", "two" }, transformed.GetColumn<string[]>("Words").First());
    }

    private sealed class Row
    {
        public float A { get; set; }

        [VectorType(2)]
        public float[] B { get; set; } = [];

        public string Name { get; set; } = "";
    }
}
