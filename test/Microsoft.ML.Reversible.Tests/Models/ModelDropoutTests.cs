using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests that every backward mode drops the same numbers.</summary>
[TestClass]
public sealed class ModelDropoutTests
{
    private const int Rows = 5, Context = 16;

    private static readonly DropoutRates All = new(Residual: 0.1, Attention: 0.2);

    public static IEnumerable<object[]> ExactSchemes =>
        [[Scheme.Midpoint], [Bdia.Blend(16)], [Scheme.Hamiltonian], [Scheme.Bdia], [new IteratedInverse { A = 1, M = 2 }]];

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBits(Scheme scheme)
    {
        CompareModes(scheme, CPU, Precision.Float32, TestModels.Small, documents: false);
        CompareModes(scheme, CPU, Precision.BFloat16, TestModels.SmallLlama, documents: true);
    }

    [TestMethod]
    [TestCategory("Cuda")]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBitsOnCuda(Scheme scheme)
    {
        Device device = TestModels.RequireCuda();
        CompareModes(scheme, device, Precision.Float32, TestModels.Small, documents: false);
        CompareModes(scheme, device, Precision.BFloat16, TestModels.SmallLlama, documents: true);
    }

    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("leapfrog")]
    [DataRow("hamiltonian")]
    public void InFloatArithmeticTheReversibleModeIsWithinRounding(string text)
    {
        using var scope = NewDisposeScope();
        Tensor[] stored = Gradients(BackwardMode.Stored), reversible = Gradients(BackwardMode.Reversible);
        foreach (var (expected, actual) in stored.Zip(reversible)) Assert.IsLessThan(1e-4, TestModels.RelativeError(actual, expected));

        Tensor[] Gradients(BackwardMode backwardMode)
        {
            using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Parse(text), backwardMode);
            return Differentiate(network, All).Gradients;
        }
    }

    public static IEnumerable<object[]> Families => Enum.GetValues<ModelFamily>().Select(family => new object[] { family });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void GradientsAreThoseThatAutogradFinds(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Of(family), Scheme.Leapfrog, BackwardMode.Reversible);
        (double loss, Tensor[] gradients) = Differentiate(network, All, documents: true);
        network.zero_grad();
        PassSettings settings = new(Seed: 3, Documents(), All);
        (Tensor ids, Tensor targets) = Batch(network);
        Tensor output = network.Stack.Evaluate(PartContext.DropInput(settings, network.Embed(ids, Documents())), settings);
        Tensor log = nn.functional.log_softmax(network.Head(network.FinalNorm(output)).flatten(0, 1), 1);
        Tensor sum = log.gather(1, targets.unsqueeze(1)).sum().neg();
        (sum / targets.numel()).backward();
        Assert.AreEqual(sum.ToDouble(), loss, 1e-3);
        foreach (var (expected, actual) in network.parameters().Zip(gradients))
            Assert.IsLessThan(1e-4, TestModels.RelativeError(actual, expected.grad!));
    }

    [TestMethod]
    public void EachRateAndTheSeedChangeTheLoss()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        double[] losses =
        [
            Differentiate(network, default).Loss, Differentiate(network, new(Residual: 0.1)).Loss,
            Differentiate(network, new(Attention: 0.1)).Loss, Differentiate(network, All).Loss, Differentiate(network, All, seed: 4).Loss,
        ];
        CollectionAssert.AllItemsAreUnique(losses);
        Assert.AreEqual(losses[3], Differentiate(network, All).Loss);
        Assert.AreEqual(losses[0], Differentiate(network, new(Adapter: 0.5)).Loss, "the model has no adapter");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ASplitOfTheBatchDropsTheSame(bool documents)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Midpoint, BackwardMode.Reversible);
        (double Loss, Tensor[] Gradients) whole = Differentiate(network, All, documents);
        network.Stack.Split = input => RowRange.Split(input.shape[0], 2);
        (double Loss, Tensor[] Gradients) parts = Differentiate(network, All, documents);
        Assert.AreEqual(whole.Loss, parts.Loss, 1e-4);
        foreach (var (expected, actual) in whole.Gradients.Zip(parts.Gradients))
            Assert.IsLessThan(1e-5, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    public void AnAdapterDropsItsInputInTrainingAlone()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Midpoint, BackwardMode.Reversible);
        LoraSettings settings = Adapters.Settings();
        using LanguageNetwork plain = Adapters.Randomize(network.WithAdapter(settings, seed: 4));
        using LanguageNetwork dropping = Adapters.Randomize(network.WithAdapter(settings with { Dropout = 0.5 }, seed: 4));
        Assert.AreNotEqual(Differentiate(plain, default).Loss, Differentiate(dropping, default).Loss);
        (Tensor ids, Tensor targets) = Batch(plain);
        Assert.IsTrue(TestModels.SameBits(
            LanguageModelLoss.LogLikelihood(plain, ids, targets), LanguageModelLoss.LogLikelihood(dropping, ids, targets)));

        Tensor[] expected = Gradients(BackwardMode.Stored);
        foreach (BackwardMode backwardMode in (BackwardMode[])[BackwardMode.Checkpointed, BackwardMode.Reversible])
            Assert.IsTrue(
                expected.Zip(Gradients(backwardMode)).All(pair => TestModels.SameBits(pair.First, pair.Second)), $"{backwardMode}");

        Tensor[] Gradients(BackwardMode backwardMode)
        {
            using LanguageNetwork own = Adapters.Randomize(network.WithAdapter(
                settings with { Dropout = 0.5 }, seed: 4, Scheme.Midpoint, backwardMode, Arithmetic.Exact));
            return Differentiate(own, All).Gradients;
        }
    }

    /// <remarks>A cap, even an infinitely high one, has the queries of a long sequence computed one part after the other.</remarks>
    [TestMethod]
    public void PartsOfALongSequenceDropTheWeightsOfTheWhole()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        Tensor[] inputs = [.. Enumerable.Range(0, 3).Select(_ => randn([2, 2, 700, 8], generator: random))];
        using PartContext part = PartContext.For(new PassSettings(5, Dropout: All), zeros(2, 700, 4), new(0, 2))!;
        AttentionDropout dropout = part.At(1).DropAttention()!.Single();
        Tensor whole = ComposedAttention.Of(inputs[0], inputs[1], inputs[2], cap: 50, dropout: dropout);
        Tensor parts = DotProductAttention.Of(inputs[0], inputs[1], inputs[2], limits: new(Cap: 50), dropout: dropout);
        Assert.IsLessThan(1e-6, TestModels.RelativeError(parts, whole));
        Tensor kept = ComposedAttention.Of(inputs[0], inputs[1], inputs[2], cap: 50);
        Assert.IsGreaterThan(0.1, TestModels.RelativeError(whole, kept));
    }

    [TestMethod]
    public void NoTensorOutlivesAPass()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using (NewDisposeScope()) Differentiate(network, All, documents: true);
        network.zero_grad();
        using (NewDisposeScope()) Run();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 3; i++) Run();
        Assert.AreEqual(before, TestModels.LiveTensors());

        void Run()
        {
            using var scope = NewDisposeScope();
            (Tensor ids, Tensor targets) = Batch(network);
            LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / 80, 3), documents: Documents(), dropout: All);
        }
    }

    private static void CompareModes(Scheme scheme, Device device, Precision precision, LanguageModelConfiguration shape, bool documents)
    {
        using var scope = NewDisposeScope();
        Tensor[] expected = Gradients(BackwardMode.Stored);
        foreach (BackwardMode backwardMode in (BackwardMode[])[BackwardMode.Checkpointed, BackwardMode.Reversible])
            Assert.IsTrue(
                expected.Zip(Gradients(backwardMode)).All(pair => TestModels.SameBits(pair.First, pair.Second)), $"{backwardMode}");

        Tensor[] Gradients(BackwardMode backwardMode)
        {
            using LanguageNetwork network = TestModels.Make(
                shape with { LayerCount = 5, Width = 64 }, scheme, backwardMode, precision, device, arithmetic: Arithmetic.Exact);
            (network.Stack.Deterministic, network.Stack.Split) = (true, input => RowRange.Split(input.shape[0], 2));
            return Differentiate(network, All, documents).Gradients;
        }
    }

    private static (double Loss, Tensor[] Gradients) Differentiate(
        LanguageNetwork network, DropoutRates dropout, bool documents = false, long seed = 3)
    {
        network.zero_grad();
        (Tensor ids, Tensor targets) = Batch(network);
        Tensor loss = LanguageModelLoss.Differentiate(
            network, ids, targets, new(1.0 / targets.numel(), seed), documents: documents ? Documents() : null, dropout: dropout);
        return (loss.ToDouble(), [.. network.parameters().Where(p => p.requires_grad).Select(p => p.grad!.clone())]);
    }

    private static (Tensor Ids, Tensor Targets) Batch(LanguageNetwork network) => (
        TestModels.Ids(network.Configuration, Rows, Context).to(network.Device),
        TestModels.Ids(network.Configuration, Rows, Context, seed: 6).flatten().to(network.Device));

    private static TokenDocuments Documents() =>
        TokenDocuments.Of([.. Enumerable.Range(0, Rows * Context).Select(i => i / 6)], Context)!;
}
