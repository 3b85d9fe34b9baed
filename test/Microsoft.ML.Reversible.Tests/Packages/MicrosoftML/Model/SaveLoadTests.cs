using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Model;

[TestClass]
public class SaveLoadTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Text", "One two", "three");

    [TestMethod]
    public void EveryTransformComesBackAndComputesTheSame()
    {
        var chain = _ml.Transforms.Text.NormalizeText("Lower", "Text")
            .Append(_ml.Transforms.Text.TokenizeIntoWords("Words", "Lower"))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Keys", "Words"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Keys"))
            .Append(_ml.Transforms.Conversion.MapValue("Score", [new KeyValuePair<string, float>("three", 3f)], "Lower"))
            .Append(_ml.Transforms.Conversion.ConvertType("Double", "Score", DataKind.Double))
            .Append(_ml.Transforms.Concatenate("Vector", "Score", "Score"))
            .Append(_ml.Transforms.CopyColumns("Copy", "Text"))
            .Append(_ml.Transforms.DropColumns("Lower"));
        var model = chain.Fit(_data);

        var loaded = SaveAndLoad(model, _data.Schema, out var schema);

        Assert.AreEqual("Text", schema.Single().Name);
        var expected = model.Transform(_data);
        var actual = loaded.Transform(_data);
        Assert.AreEqual(string.Join(", ", expected.Schema.Select(c => $"{c.Name} {c.Type}")),
            string.Join(", ", actual.Schema.Select(c => $"{c.Name} {c.Type}")));
        CollectionAssert.AreEqual(expected.GetColumn<string[]>("Back").First(), actual.GetColumn<string[]>("Back").First());
        CollectionAssert.AreEqual(expected.GetColumn<double>("Double").ToArray(), actual.GetColumn<double>("Double").ToArray());
        CollectionAssert.AreEqual(expected.GetColumn<float[]>("Vector").Last(), actual.GetColumn<float[]>("Vector").Last());
    }

    [TestMethod]
    public void ACustomMappingIsFoundByItsContractWithNothingRegistered()
    {
        var model = PortableTransformer.Portable(_ml, "Text", "> ");

        var loaded = SaveAndLoad(model, _data.Schema, out _).Transform(_data);

        CollectionAssert.AreEqual(new[] { "> One two", "> three" }, loaded.GetColumn<string>("Repeated").ToArray());
        var shown = loaded.Schema.Where(c => !c.IsHidden).Select(c => c.Name).ToArray();
        CollectionAssert.AreEqual(new[] { "Text", "Repeated", "Letters" }, shown);
    }

    [TestMethod]
    public void ATransformerMaySaveItselfAsAChainAtAnyDepth()
    {
        var inner = _ml.Transforms.CopyColumns("Story", "Text").Fit(_data).Append(new PortableTransformer(_ml, "Story", "> "));
        var model = new TransformerChain<ITransformer>(inner);

        var loaded = SaveAndLoad(model, _data.Schema, out _);
        var again = SaveAndLoad(loaded, _data.Schema, out _).Transform(_data);

        CollectionAssert.AreEqual(new[] { "> One two", "> three" }, again.GetColumn<string>("Repeated").ToArray());
    }

    [TestMethod]
    public void ATransformerThatWritesNothingCannotBeSaved()
    {
        var model = new LengthTransformer("Text", "Letters");

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.Save(model, _data.Schema, new MemoryStream()));

        StringAssert.Contains(error.Message, "ModelSignature not specified!");
    }

    [TestMethod]
    public void ACustomMappingWithoutAContractCannotBeSaved()
    {
        var model = _ml.Transforms.CustomMapping<Nothing, KeyColumn>(KeyFactory.Map, null).Fit(_data);

        Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.Save(model, _data.Schema, new MemoryStream()));
    }

    [TestMethod]
    public void TheInputSchemaComesBackWithItsTypesAndAnnotations()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, 2), (ref VBuffer<ReadOnlyMemory<char>> names) =>
            names = new VBuffer<ReadOnlyMemory<char>>(2, ["x".AsMemory(), "y".AsMemory()]));
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Features", new VectorDataViewType(NumberDataViewType.Single, 2), annotations.ToAnnotations());
        builder.AddColumn("Label", new KeyDataViewType(typeof(uint), 4));
        var saved = builder.ToSchema();

        SaveAndLoad(new TransformerChain<ITransformer>(), saved, out var schema);

        Assert.IsTrue(schema["Features"].Type.Equals(saved["Features"].Type));
        Assert.IsTrue(schema["Label"].Type.Equals(saved["Label"].Type));
        VBuffer<ReadOnlyMemory<char>> slots = default;
        schema["Features"].GetSlotNames(ref slots);
        Assert.AreEqual("x y", string.Join(' ', slots.DenseValues()));
    }

    [TestMethod]
    public void AModelSavedWithItsLoaderReadsFilesAgain()
    {
        var folder = Directory.CreateTempSubdirectory("model-").FullName;
        try
        {
            var text = Path.Combine(folder, "a.txt");
            var zip = Path.Combine(folder, "m.zip");
            File.WriteAllLines(text, ["one", "three"]);
            var loader = _ml.Data.CreateTextLoader([new("Text", DataKind.String, 0)]);
            _ml.Model.Save(PortableTransformer.Portable(_ml, "Text", "> "), loader, zip);

            var model = new MLContext().Model.LoadWithDataLoader(zip, out var loaded);

            var read = model.Transform(loaded.Load(text));
            CollectionAssert.AreEqual(new[] { "> one", "> three" }, read.GetColumn<string>("Repeated").ToArray());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // A context of its own each time, so that nothing one has registered helps another.
    private static ITransformer SaveAndLoad(ITransformer model, DataViewSchema inputSchema, out DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        new MLContext().Model.Save(model, inputSchema, stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out schema);
    }
}
