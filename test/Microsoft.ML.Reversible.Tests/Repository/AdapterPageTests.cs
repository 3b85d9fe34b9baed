using System.Globalization;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Runs the programs of docs/lora.md, and compares its tables with the code.</summary>
[TestClass]
public sealed class AdapterPageTests
{
    private static Document Page => Document.Open("docs/lora.md");

    [TestMethod]
    public void TheProgramsRun()
    {
        using var scratch = new ScratchFolder();
        var ml = new MLContext(seed: 1);
        using ReversibleLmTransformer model = Corpus.Train(ml, o => o.MaxSteps = 10);
        model.SavePretrained(scratch.File("model"));
        foreach (string name in (string[])["formal", "brief"]) Adapters.Save(model.Network, scratch.File(name));
        AdapterSnippets.Several(ml, scratch.File("model"), scratch.File("formal"), scratch.File("brief"));

        using ReversibleLmTransformer adapted = model.LoadAdapter(scratch.File("brief"));
        AdapterSnippets.Save(adapted, scratch.File("again"), scratch.File("merged"));
        using ReversibleLmTransformer again = model.LoadAdapter(scratch.File("again"));
        using ReversibleLmTransformer merged = ml.Reversible().LoadPretrained(scratch.File("merged"));
        Assert.IsTrue(again.HasAdapter && !merged.HasAdapter);
    }

    [TestMethod]
    public void TheTableOfFieldsHasThoseThatAreRead() => CollectionAssert.AreEquivalent(
        AdapterConfigurationFile.ReadFields.ToArray(),
        Page.Rows("field", "read as").SelectMany(row => row[0].Split(", ")).ToArray());

    [TestMethod]
    public void TheTableOfMemoryHasTheBytesOfEachKindOfParameter()
    {
        using LanguageNetwork half = Frozen(Precision.BFloat16), full = Frozen(Precision.Float32);
        using LanguageNetwork adapted = half.WithAdapter(Adapters.Settings() with { TrainHead = true }, seed: 1);
        using var optimizer = LanguageTask.Optimizer(adapted, new(0.9, 0.99, 1e-8, 0), OptimizerPlacement.AfterBackward);
        long whole = sizeof(float) * 4;
        (string, long)[] expected =
        [
            ("each parameter of a model that is trained whole", whole),
            ("each parameter of a float32 base", full.parameters().First().ElementSize),
            ("each parameter of a bfloat16 base", half.parameters().First().ElementSize),
            ("each parameter of an adapter, or of a trained copy of embedding or head", TrainedBytes()),
        ];
        CollectionAssert.AreEqual(
            expected, Page.Rows("bytes", "weights").Select(row => (row[0], Bytes(row[4]))).ToArray());
        foreach (string[] row in Page.Rows("bytes", "weights")) Assert.AreEqual(Bytes(row[4]), row[1..4].Sum(Bytes), row[0]);

        static long Bytes(string cell) => long.Parse(cell, CultureInfo.InvariantCulture);

        static LanguageNetwork Frozen(Precision precision) => TestModels.SmallLlama.Build(
            Scheme.Residual, BackwardMode.Stored, Arithmetic.Float, Precision.Float32, CPU, seed: 1, precision);

        long TrainedBytes()
        {
            Assert.IsTrue(Adapters.Trained(adapted).All(p => p.ElementSize == sizeof(float) && p.grad!.ElementSize == sizeof(float)));
            long moments = optimizer.State.Sum(moment => moment.Value.numel()) / optimizer.GradientElements;
            return sizeof(float) * (2 + moments);
        }
    }

    /// <summary>The page's example: Llama 3 with 8 billion parameters at rank 16.</summary>
    [TestMethod]
    public void TheExampleHas42MillionParameters()
    {
        var shape = new LlamaConfiguration
        {
            VocabularySize = 128_256, ContextLength = 8192, LayerCount = 32, HeadCount = 32, KeyValueHeadCount = 8, Width = 4096,
            MlpWidth = 14_336, TiedHead = false,
        };
        long parameters = shape.DeclaredWeights()
            .Where(weight => weight.Shape.Count == 2 && weight.Name.StartsWith("model.layers.", StringComparison.Ordinal))
            .Sum(weight => 16 * weight.Shape.Sum());
        Assert.AreEqual(41_943_040, parameters);
        Assert.AreEqual(8.03e9, shape.ParameterCount, 0.01e9);
        StringAssert.Contains(File.ReadAllText(Document.PathOf("docs/lora.md")), "42 million of them at rank 16: 0.7 GB in training");
    }
}
