using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Transforms;

[TestClass]
public class CustomMappingTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Text", "One two", "three");

    [TestMethod]
    public void TheActionAddsTheMembersOfItsOutputAsColumns()
    {
        var estimator = _ml.Transforms.CustomMapping<Input, Output>(
            (i, o) => (o.Upper, o.Letters) = (i.Text.ToUpperInvariant(), i.Text.Length), null);

        var transformed = estimator.Fit(_data).Transform(_data);

        CollectionAssert.AreEqual(new[] { "Text", "Upper", "Letters" }, transformed.Schema.Select(c => c.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "ONE TWO", "THREE" }, transformed.GetColumn<string>("Upper").ToArray());
        CollectionAssert.AreEqual(new[] { 7, 5 }, transformed.GetColumn<int>("Letters").ToArray());
    }

    [TestMethod]
    public void TheActionRunsOnceForARowHoweverManyOfItsColumnsAreRead()
    {
        var calls = 0;
        var estimator = _ml.Transforms.CustomMapping<Input, Output>((i, o) => o.Letters = ++calls, null);
        var transformed = estimator.Fit(_data).Transform(_data);
        using var cursor = transformed.GetRowCursor(transformed.Schema);
        var upper = cursor.GetGetter<ReadOnlyMemory<char>>(transformed.Schema["Upper"]);
        var letters = cursor.GetGetter<int>(transformed.Schema["Letters"]);
        ReadOnlyMemory<char> text = default;
        var number = 0;
        while (cursor.MoveNext())
        {
            upper(ref text);
            letters(ref number);
            letters(ref number);
        }

        Assert.AreEqual(2, calls);
    }

    [TestMethod]
    public void AnEmptyInputClassNeedsNoColumn()
    {
        var estimator = _ml.Transforms.CustomMapping<Nothing, KeyColumn>(KeyFactory.Map, null);

        CollectionAssert.AreEqual(new[] { "m", "m" }, estimator.Fit(_data).Transform(_data).GetColumn<string>("__test_key").ToArray());
    }

    [TestMethod]
    public void AMissingOrWrongInputColumnIsNamed()
    {
        var estimator = _ml.Transforms.CustomMapping<Input, Output>((_, _) => { }, null);
        var other = new WordsView("Other", "a");
        var numbers = _ml.Data.LoadFromEnumerable(new[] { new { Text = 1f } });

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => estimator.Fit(other));
        var chain = _ml.Transforms.CopyColumns("Copy", "Text").Append(estimator);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(numbers));
        StringAssert.Contains(error.Message, "Schema mismatch for input column 'Text': expected String, got Single");
    }

    [TestMethod]
    public void ADefinitionMadeAtRunTimeGivesTheOutputItsTypeAndAnnotations()
    {
        var definition = SchemaDefinition.Create(typeof(Scores));
        definition[0].ColumnName = "Probability";
        definition[0].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 2);
        definition[0].AddAnnotation("SlotNames", new VBuffer<ReadOnlyMemory<char>>(2, ["no".AsMemory(), "yes".AsMemory()]),
            new VectorDataViewType(TextDataViewType.Instance, 2));
        var estimator = _ml.Transforms.CustomMapping<Nothing, Scores>((_, o) => o.Values = [0.25f, 0.75f], null, null, definition);

        var column = estimator.GetOutputSchema(SchemaShapes.From(_data.Schema)).Single(c => c.Name == "Probability");
        var transformed = estimator.Fit(_data).Transform(_data);

        Assert.AreEqual(SchemaShape.Column.VectorKind.Vector, column.Kind);
        Assert.AreEqual("SlotNames", column.Annotations.Single().Name);
        Assert.IsTrue(transformed.Schema["Probability"].HasSlotNames());
        CollectionAssert.AreEqual(new[] { 0.25f, 0.75f }, transformed.GetColumn<float[]>("Probability").First());
    }

    private sealed class Input
    {
        public string Text { get; set; } = "";
    }

    private sealed class Output
    {
        public string Upper { get; set; } = "";

        public int Letters { get; set; }
    }

    private sealed class Scores
    {
        public float[] Values { get; set; } = [];
    }
}
