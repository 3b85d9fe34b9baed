using Microsoft.ML.Reversible.Language;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class LlamaModelTests
{
    [TestMethod]
    [DataRow(4, true)]
    [DataRow(2, true)]
    [DataRow(1, false)]
    public void LogitsEqualThePlainReference(int keyValueHeads, bool tied)
    {
        using var scope = NewDisposeScope();
        LlamaConfiguration shape = TestModels.SmallLlama with { KeyValueHeadCount = keyValueHeads, TiedHead = tied, HeadWidth = 6 };
        using LanguageNetwork model = TestModels.Make(shape, Scheme.Residual, BackwardMode.Stored);
        foreach (Tensor parameter in model.parameters()) parameter.detach().mul_(4);
        Tensor ids = TestModels.Ids(shape, rows: 1, context: 16);

        double[] expected = new PlainLlama(model).Logits(ids.data<long>().ToArray());
        float[] actual = model.call(ids).data<float>().ToArray();

        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 2e-4, $"logit {i}");
    }

    [TestMethod]
    [DynamicData(nameof(ReversibleSchemes))]
    public void ExactGradientsOfTheReversibleModeEqualTheStoredOnesToTheBit(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork stored = TestModels.Make(TestModels.SmallLlama, scheme, BackwardMode.Stored, arithmetic: Arithmetic.Exact);
        using LanguageNetwork reversible =
            TestModels.Make(TestModels.SmallLlama, scheme, BackwardMode.Reversible, arithmetic: Arithmetic.Exact);
        Tensor ids = TestModels.Ids(TestModels.SmallLlama, 2, 16);
        Tensor targets = TestModels.Ids(TestModels.SmallLlama, 2, 16, seed: 6).flatten();

        LanguageModelLoss.Differentiate(stored, ids, targets, new(1.0 / 32, 1));
        LanguageModelLoss.Differentiate(reversible, ids, targets, new(1.0 / 32, 1));

        foreach (var (s, r) in stored.parameters().Zip(reversible.parameters())) Assert.IsTrue(TestModels.SameBits(s.grad!, r.grad!));
    }

    public static IEnumerable<Scheme> ReversibleSchemes => Scheme.All.Where(s => s is { IsReversible: true, CanBeExact: true });

    [TestMethod]
    public void EveryRowOfEveryParameterHasOneNameInFiles()
    {
        using LanguageNetwork model =
            TestModels.Make(TestModels.SmallLlama with { TiedHead = false }, Scheme.Midpoint, BackwardMode.Reversible);
        Assert.AreEqual(
            model.parameters().Sum(p => p.numel()),
            model.Weights().Sum(w => w.FileShape.Aggregate(1L, (product, size) => product * size)));
        CollectionAssert.AllItemsAreUnique(model.Weights().Select(w => w.Name).ToArray());
        Assert.AreEqual(model.Configuration.ParameterCount, model.parameters().Sum(p => p.numel()));
    }

    [TestMethod]
    public void ParametersOfKnownShapesAreCountedRight()
    {
        var tinyLlama = new LlamaConfiguration
        {
            VocabularySize = 32000, ContextLength = 2048, LayerCount = 22, HeadCount = 32, KeyValueHeadCount = 4, Width = 2048,
            MlpWidth = 5632,
            TiedHead = false,
        };
        Assert.AreEqual(1_100_048_384, tinyLlama.ParameterCount);
    }

    [TestMethod]
    public void AModelThatIsMadeAndDisposedLeavesNoTensorsBehind()
    {
        long before = TestModels.LiveTensors();
        using (LanguageNetwork model = TestModels.Make(TestModels.SmallLlama, Scheme.Midpoint, BackwardMode.Reversible))
        using (var scope = NewDisposeScope())
            model.call(TestModels.Ids(TestModels.SmallLlama, 2, 8));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    [DataRow(3, 32, "HeadCount")]
    [DataRow(32, 32, "HeadWidth")]
    public void ShapesThatDoNotFitTogetherAreRefused(int heads, int width, string names)
    {
        LlamaConfiguration shape = TestModels.SmallLlama with { HeadCount = heads, Width = width, KeyValueHeadCount = null };
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TestModels.Make(shape, Scheme.Midpoint, BackwardMode.Stored));
        StringAssert.Contains(e.Message, names);
    }
}
