using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>In exact arithmetic the three backward modes give the same bits.</summary>
[TestClass]
public sealed class ExactGradientTests
{
    public static IEnumerable<object[]> ExactSchemes => new Scheme[]
    {
        new Midpoint(), new Midpoint(0.3), new Leapfrog(), new Hamiltonian(),
        new Bdia(), new Bdia { K = 4, Signs = BdiaSigns.Negative },
        new Bdia { K = 16, Signs = BdiaSigns.Positive }, new Bdia { K = 64, Bits = 20 },
        new Midpoint { Start = Start.Euler, ReadOut = ReadOut.Mean },
    }.Select(scheme => new object[] { scheme });

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void GradientsOfAllBackwardModesAreTheSameBits(Scheme scheme)
    {
        foreach (int depth in new[] { 1, 2, 3, 12, 48 }) Compare(scheme, depth, Precision.Float32, CPU);
    }

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void SoTheyAreWhereBlocksComputeInBFloat16(Scheme scheme) => Compare(scheme, 6, Precision.BFloat16, CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    [DynamicData(nameof(ExactSchemes))]
    public void HiddenStatesAreRebuiltToTheBitOnCuda(Scheme scheme)
    {
        Device device = TestModels.RequireCuda();
        foreach (Precision precision in Enum.GetValues<Precision>())
        {
            using var scope = NewDisposeScope();
            GptConfiguration shape = TestModels.Small with { LayerCount = 12 };
            using LanguageNetwork model = TestModels.Make(
                shape, scheme, BackwardMode.Reversible, precision, device, arithmetic: Arithmetic.Exact);
            Tensor input = model.Embed(TestModels.Ids(shape, 4, 16).to(device)).detach();
            Assert.AreEqual(0.0, StackCase.RebuildError(model.Stack, input, seed: 3), $"{scheme}, {precision}");
        }
    }

    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("leapfrog")]
    [DataRow("hamiltonian")]
    [DataRow("bdia")]
    public void After200StepsTheWeightsAreTheSameBits(string scheme)
    {
        var ml = new MLContext(seed: 1);
        using ReversibleLmTransformer stored = Train(BackwardMode.Stored), reversible = Train(BackwardMode.Reversible);
        foreach (var ((name, expected), (_, actual)) in stored.Network.named_parameters().Zip(reversible.Network.named_parameters()))
            Assert.IsTrue(TestModels.SameBits(expected, actual), name);

        ReversibleLmTransformer Train(BackwardMode backwardMode) => Corpus.Train(ml, o =>
            (o.Scheme, o.BackwardMode, o.Arithmetic, o.LayerCount, o.MaxSteps) =
                (Scheme.Parse(scheme), backwardMode, Arithmetic.Exact, 4, 200));
    }

    private static void Compare(Scheme scheme, int depth, Precision precision, Device device)
    {
        using var scope = NewDisposeScope();
        GptConfiguration shape = TestModels.Small with { LayerCount = depth };
        Tensor ids = TestModels.Ids(shape, 3, 16).to(device), targets = TestModels.Ids(shape, 3, 16, seed: 6).flatten().to(device);
        using LanguageNetwork stored = Make(BackwardMode.Stored), checkpointed = Make(BackwardMode.Checkpointed);
        using LanguageNetwork reversible = Make(BackwardMode.Reversible);
        foreach (LanguageNetwork model in new[] { stored, checkpointed, reversible })
            LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / 48, 3));
        foreach (LanguageNetwork model in new[] { checkpointed, reversible })
        {
            foreach (var ((name, expected), (_, actual)) in stored.named_parameters().Zip(model.named_parameters()))
                Assert.IsTrue(
                    TestModels.SameBits(expected.grad!, actual.grad!),
                    $"{scheme}, {depth} layers, {model.Stack.BackwardMode}: {name}");
        }

        LanguageNetwork Make(BackwardMode backwardMode) =>
            TestModels.Make(shape, scheme, backwardMode, precision, device, arithmetic: Arithmetic.Exact);
    }
}
