using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests that documents that share rows do not see each other.</summary>
[TestClass]
public sealed class DocumentAttentionTests
{
    private const int Context = 16;

    /// <summary>The lengths of each row's documents.</summary>
    private static readonly int[][] _packed = [[5, 1, 7, 3], [16], [9, 7], [2, 11, 3]];

    public static IEnumerable<object[]> Shapes =>
    [
        .. Enum.GetValues<ModelFamily>().Select(family => new object[] { family.ToString(), TestModels.Of(family) }),
        ["dynamic positions", TestModels.SmallLlama with { Rope = new RotarySettings(10000, new DynamicScaling(2, 6)) }],
    ];

    [TestMethod]
    [DynamicData(nameof(Shapes))]
    public void PackedDocumentsHaveTheLossAndGradientsOfTheirOwn(string name, object shape)
    {
        foreach (Scheme scheme in (Scheme[])[Scheme.Residual, Scheme.Midpoint, Scheme.Hamiltonian, new IteratedInverse { A = 1, M = 2 }])
        {
            using var scope = NewDisposeScope();
            var configuration = (LanguageModelConfiguration)shape;
            (Tensor ids, Tensor targets) = Batch(configuration);
            using LanguageNetwork network = TestModels.Make(configuration, scheme, scheme.DefaultBackwardMode(Arithmetic.Float));
            (double Loss, Tensor[] Gradients) packed = Differentiate(network, ids, targets, Documents());
            (double Loss, Tensor[] Gradients) alone = Alone(network, ids, targets);
            Assert.AreEqual(alone.Loss, packed.Loss, 1e-4, $"{name}, {scheme}");
            foreach (var (expected, actual) in alone.Gradients.Zip(packed.Gradients))
                Assert.IsLessThan(1e-5, TestModels.RelativeError(actual, expected), $"{name}, {scheme}");
            double likelihood = LanguageModelLoss.LogLikelihood(network, ids, targets.flatten(), Documents()).sum().ToDouble();
            Assert.AreEqual(-packed.Loss, likelihood, 1e-3, $"{name}, {scheme}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Shapes))]
    public void OtherTokensOfARowChangeNoBitOfADocument(string name, object shape)
    {
        using var scope = NewDisposeScope();
        var configuration = (LanguageModelConfiguration)shape;
        using LanguageNetwork network = TestModels.Make(configuration, Scheme.Midpoint, BackwardMode.Stored);
        (Tensor ids, Tensor targets) = Batch(configuration);
        Tensor other = ids.clone();
        other[0, TensorIndex.Slice(0, 5)] = (other[0, TensorIndex.Slice(0, 5)] + 1) % configuration.VocabularySize;
        Tensor before = LanguageModelLoss.LogLikelihood(network, ids, targets.flatten(), Documents());
        Tensor after = LanguageModelLoss.LogLikelihood(network, other, targets.flatten(), Documents());
        Assert.IsTrue(TestModels.SameBits(before.narrow(0, 5, 59), after.narrow(0, 5, 59)), name);
        Assert.IsFalse(TestModels.SameBits(before.narrow(0, 0, 5), after.narrow(0, 0, 5)), name);
    }

    [TestMethod]
    public void ComposedAttentionKeepsDocumentsApartToo()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        (Tensor ids, Tensor targets) = Batch(TestModels.SmallLlama);
        (double Loss, Tensor[] Gradients) alone = Alone(network, ids, targets);
        using IDisposable composed = ComposedAttention.Use();
        (double Loss, Tensor[] Gradients) packed = Differentiate(network, ids, targets, Documents());
        Assert.AreEqual(alone.Loss, packed.Loss, 1e-4);
        foreach (var (expected, actual) in alone.Gradients.Zip(packed.Gradients))
            Assert.IsLessThan(1e-5, TestModels.RelativeError(actual, expected));
    }

    public static IEnumerable<object[]> ExactSchemes =>
        [[Scheme.Midpoint], [Bdia.Blend(16)], [Scheme.Hamiltonian], [Scheme.Bdia], [new IteratedInverse { A = 1, M = 2 }]];

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBits(Scheme scheme) => CompareModes(scheme, CPU, Precision.Float32);

    [TestMethod]
    [TestCategory("Cuda")]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBitsOnCuda(Scheme scheme) =>
        CompareModes(scheme, TestModels.RequireCuda(), Precision.BFloat16);

    [TestMethod]
    [TestCategory("Cuda")]
    public void PackedDocumentsHaveTheGradientsOfTheirOwnOnCuda()
    {
        Device device = TestModels.RequireCuda();
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = Batch(TestModels.SmallLlama);
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Midpoint, BackwardMode.Reversible, device: device);
        (double Loss, Tensor[] Gradients) packed = Differentiate(network, ids.to(device), targets.to(device), Documents());
        (double Loss, Tensor[] Gradients) alone = Alone(network, ids.to(device), targets.to(device));
        foreach (var (expected, actual) in alone.Gradients.Zip(packed.Gradients))
            Assert.IsLessThan(1e-4, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    public void PartsOfABatchSeeTheDocumentsOfTheirRows()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        (Tensor ids, Tensor targets) = Batch(TestModels.Small);
        (double Loss, Tensor[] Gradients) whole = Differentiate(network, ids, targets, Documents());
        Tensor likelihood = LanguageModelLoss.LogLikelihood(network, ids, targets.flatten(), Documents());
        network.Stack.Split = input => RowRange.Split(input.shape[0], 1);
        (double Loss, Tensor[] Gradients) parts = Differentiate(network, ids, targets, Documents());
        Assert.AreEqual(whole.Loss, parts.Loss, 1e-4);
        foreach (var (expected, actual) in whole.Gradients.Zip(parts.Gradients))
            Assert.IsLessThan(1e-5, TestModels.RelativeError(actual, expected));
        Tensor inParts = LanguageModelLoss.LogLikelihood(network, ids, targets.flatten(), Documents());
        Assert.IsLessThan(1e-5, TestModels.RelativeError(inParts, likelihood));
    }

    [TestMethod]
    public void NoTensorOutlivesAPass()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using (NewDisposeScope()) Differentiate();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            Differentiate();
        }
        Assert.AreEqual(before, TestModels.LiveTensors());

        void Differentiate()
        {
            (Tensor ids, Tensor targets) = Batch(TestModels.Small);
            LanguageModelLoss.Differentiate(network, ids, targets.flatten(), new(1.0 / 64), documents: Documents());
            LanguageModelLoss.LogLikelihood(network, ids, targets.flatten(), Documents());
        }
    }

    private static void CompareModes(Scheme scheme, Device device, Precision precision)
    {
        using var scope = NewDisposeScope();
        GptConfiguration shape = TestModels.Small with { Width = 64, LayerCount = 5 };
        (Tensor ids, Tensor targets) = Batch(shape);
        Tensor[] expected = Gradients(BackwardMode.Stored);
        foreach (BackwardMode backwardMode in (BackwardMode[])[BackwardMode.Checkpointed, BackwardMode.Reversible])
            Assert.IsTrue(
                expected.Zip(Gradients(backwardMode)).All(pair => TestModels.SameBits(pair.First, pair.Second)), $"{backwardMode}");

        Tensor[] Gradients(BackwardMode backwardMode)
        {
            using LanguageNetwork network =
                TestModels.Make(shape, scheme, backwardMode, precision, device, arithmetic: Arithmetic.Exact);
            (network.Stack.Deterministic, network.Stack.Split) = (true, input => RowRange.Split(input.shape[0], 2));
            return Differentiate(network, ids.to(device), targets.to(device), Documents()).Gradients;
        }
    }

    private static (Tensor Ids, Tensor Targets) Batch(LanguageModelConfiguration shape) =>
        (TestModels.Ids(shape, _packed.Length, Context), TestModels.Ids(shape, _packed.Length, Context, seed: 6));

    private static TokenDocuments Documents() => TokenDocuments.Of(
        [.. _packed.SelectMany(row => row.SelectMany((length, number) => Enumerable.Repeat(number, length)))], Context)!;

    /// <summary>Returns the loss and gradients of all documents, each as a batch of its own.</summary>
    private static (double Loss, Tensor[] Gradients) Alone(LanguageNetwork network, Tensor ids, Tensor targets)
    {
        double loss = 0;
        network.zero_grad();
        for (int row = 0; row < _packed.Length; row++)
        {
            int start = 0;
            foreach (int length in _packed[row])
            {
                Tensor own = ids.narrow(0, row, 1).narrow(1, start, length);
                Tensor ownTargets = targets.narrow(0, row, 1).narrow(1, start, length).flatten();
                loss += LanguageModelLoss.Differentiate(network, own, ownTargets, new(1.0 / 64)).ToDouble();
                start += length;
            }
        }
        return (loss, [.. network.parameters().Select(p => p.grad!.clone())]);
    }

    private static (double Loss, Tensor[] Gradients) Differentiate(
        LanguageNetwork network, Tensor ids, Tensor targets, TokenDocuments documents)
    {
        network.zero_grad();
        Tensor loss = LanguageModelLoss.Differentiate(network, ids, targets.flatten(), new(1.0 / 64), documents: documents);
        return (loss.ToDouble(), [.. network.parameters().Select(p => p.grad!.clone())]);
    }
}
