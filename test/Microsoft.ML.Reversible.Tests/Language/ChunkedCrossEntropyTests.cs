using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class ChunkedCrossEntropyTests
{
    [TestMethod]
    [DataRow(7, 5, 11, 1L)]
    [DataRow(7, 5, 11, 22L)]
    [DataRow(8, 3, 4, 16L)]
    [DataRow(1, 1, 2, 1000L)]
    [DataRow(33, 16, 101, 1000L)]
    public void EqualsPlainCrossEntropyWhateverTheChunk(int tokens, int width, int vocabulary, long chunkElements)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        Tensor hidden = randn([tokens, width], generator: random).requires_grad_();
        Tensor weight = randn([vocabulary, width], generator: random).requires_grad_();
        Tensor targets = randint(0, vocabulary, [tokens], dtype: ScalarType.Int64, generator: random);
        Tensor plain = nn.functional.cross_entropy(nn.functional.linear(hidden, weight), targets, reduction: nn.Reduction.Sum);
        (plain * 0.25).backward();

        Tensor gradWeight = zeros_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, gradWeight, 0.25, labelSmoothing: 0, ScalarType.Float32, chunkElements);
        Tensor logLikelihood = ChunkedCrossEntropy.LogLikelihood(hidden, weight, targets, ScalarType.Float32, chunkElements);

        Assert.AreEqual(plain.ToDouble(), sum.ToDouble(), 1e-5 * Math.Abs(plain.ToDouble()) + 1e-5);
        Assert.IsLessThan(1e-5, TestModels.RelativeError(gradHidden, hidden.grad!));
        Assert.IsLessThan(1e-5, TestModels.RelativeError(gradWeight, weight.grad!));
        CollectionAssert.AreEqual(new long[] { tokens }, logLikelihood.shape);
        Assert.AreEqual(-plain.ToDouble(), logLikelihood.sum(ScalarType.Float64).ToDouble(), 1e-5 * Math.Abs(plain.ToDouble()) + 1e-5);
    }

    [TestMethod]
    public void LargeLogitsDoNotOverflow()
    {
        using var scope = NewDisposeScope();
        Tensor hidden = tensor(new[] { 1e4f, -1e4f }, [2, 1]), weight = tensor(new[] { 1f, -1f, 0f }, [3, 1]);
        Tensor targets = tensor(new long[] { 0, 0 });
        Tensor gradWeight = zeros_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(hidden, weight, targets, gradWeight, 1, 0, ScalarType.Float32);
        Assert.AreEqual(2e4, sum.ToDouble(), 1e-3);
        Assert.IsTrue(gradHidden.isfinite().all().item<bool>() && gradWeight.isfinite().all().item<bool>());
    }

    /// <summary>(1-ε)·nll + ε·mean of -log p over the vocabulary, of the targets that count, by plain operations in float64.</summary>
    [TestMethod]
    [DataRow(1L, 0.0)]
    [DataRow(1L, 0.1)]
    [DataRow(101L * 5, 0.1)]
    [DataRow(1L << 20, 0.0)]
    [DataRow(1L << 20, 0.9)]
    public void IgnoredTargetsDoNotCountAndSmoothingIsSpreadOverTheVocabulary(long chunkElements, double smoothing)
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored);
        Tensor h = hidden.to(ScalarType.Float64).requires_grad_(), w = weight.to(ScalarType.Float64).requires_grad_();
        Tensor logP = h.mm(w.t()).log_softmax(1);
        Tensor nll = -logP.gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1), all = -logP.mean([1]);
        Tensor loss = ((nll * (1 - smoothing) + all * smoothing) * counted.to(ScalarType.Float64)).sum();
        (loss * 0.25).backward();

        Tensor gradWeight = ones_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, gradWeight, 0.25, smoothing, ScalarType.Float32, chunkElements);
        Assert.AreEqual(ScalarType.Float64, sum.dtype);
        Assert.AreEqual(loss.ToDouble(), sum.ToDouble(), 1e-6 * loss.ToDouble());
        Assert.IsLessThan(1e-5, TestModels.RelativeError(gradHidden, h.grad!));
        Assert.IsLessThan(1e-5, TestModels.RelativeError(gradWeight - 1, w.grad!), "added to what was there");
        Tensor logLikelihood = ChunkedCrossEntropy.LogLikelihood(hidden, weight, targets, ScalarType.Float32, chunkElements);
        Assert.IsLessThan(1e-5, TestModels.RelativeError(-logLikelihood, nll * counted.to(ScalarType.Float64)));
    }

    /// <summary>By plain operations in float64, with weights of both signs and 0, at ignored targets too.</summary>
    [TestMethod]
    [DataRow(1L, null, ScalarType.Float32, 1e-5)]
    [DataRow(101L * 5, 3.0, ScalarType.Float32, 1e-5)]
    [DataRow(1L << 20, null, ScalarType.BFloat16, 2e-2)]
    public void AWeightMultipliesTheLossOfItsToken(long chunkElements, double? cap, ScalarType compute, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        using var random = new Generator(9);
        Tensor weights = randn([targets.shape[0]], generator: random);
        weights[0] = 0;
        Tensor h = hidden.to(ScalarType.Float64).requires_grad_(), w = weight.to(ScalarType.Float64).requires_grad_();
        Tensor z = h.mm(w.t());
        if (cap is { } most) z = (z / most).tanh() * most;
        Tensor nll = -z.log_softmax(1).gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1);
        Tensor loss = (nll * weights * targets.ne(ChunkedCrossEntropy.Ignored).to(ScalarType.Float64)).sum();
        (loss * 0.25).backward();

        Tensor gradWeight = zeros_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, gradWeight, 0.25, 0, compute, chunkElements, cap, weights);
        Assert.AreEqual(loss.ToDouble(), sum.ToDouble(), tolerance * nll.sum().ToDouble());
        Assert.IsLessThan(tolerance, TestModels.RelativeError(gradHidden, h.grad!));
        Assert.IsLessThan(tolerance, TestModels.RelativeError(gradWeight, w.grad!));
    }

    [TestMethod]
    public void SmoothingEqualsThatOfTorch()
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        Tensor expected = nn.functional.cross_entropy(
            hidden.mm(weight.t()), targets, reduction: nn.Reduction.Sum, label_smoothing: 0.1);
        var (sum, _) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, zeros_like(weight), 1, labelSmoothing: 0.1, ScalarType.Float32, 1000);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-5 * expected.ToDouble());
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.1)]
    public void WhereAllTargetsAreIgnoredEverythingIsZeroEvenOfBrokenStates(double smoothing)
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, _) = Random();
        hidden.fill_(double.NaN);
        Tensor targets = full([hidden.shape[0]], ChunkedCrossEntropy.Ignored, dtype: ScalarType.Int64), gradWeight = zeros_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, gradWeight, 1, smoothing, ScalarType.Float32, 1000);
        Assert.AreEqual(0.0, sum.ToDouble());
        Assert.AreEqual(0.0, gradHidden.abs().sum().ToDouble());
        Assert.AreEqual(0.0, gradWeight.abs().sum().ToDouble());
    }

    [TestMethod]
    public void BFloat16StaysWithinItsRounding()
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        Tensor expectedWeight = zeros_like(weight), gradWeight = zeros_like(weight);
        var (expected, expectedHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, expectedWeight, 0.25, 0.1, ScalarType.Float32, 1000);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, gradWeight, 0.25, 0.1, ScalarType.BFloat16, 1000);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 2e-3 * expected.ToDouble());
        Assert.AreEqual(ScalarType.Float32, gradHidden.dtype);
        Assert.IsLessThan(2e-2, TestModels.RelativeError(gradHidden, expectedHidden));
        Assert.IsLessThan(2e-2, TestModels.RelativeError(gradWeight, expectedWeight));
    }

    /// <summary>From the same logits in bfloat16, at several sizes; the last have probabilities that float32 cannot hold.</summary>
    [TestMethod]
    [DataRow(1.0, 0.0)]
    [DataRow(1.0, 0.1)]
    [DataRow(10.0, 0.0)]
    [DataRow(10.0, 0.1)]
    [DataRow(50.0, 0.0)]
    [DataRow(50.0, 0.1)]
    public void BFloat16GivesTheLossOfItsLogits(double deviation, double smoothing)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        const int tokens = 300, vocabulary = 1000, width = 64;
        Tensor hidden = (randn([tokens, width], generator: random) * (deviation / 8)).to(ScalarType.BFloat16);
        Tensor weight = randn([vocabulary, width], generator: random).to(ScalarType.BFloat16);
        Tensor targets = randint(0, vocabulary, [tokens], dtype: ScalarType.Int64, generator: random);
        targets = targets.masked_fill(arange(0, tokens, dtype: ScalarType.Int64).remainder(3).eq(1), ChunkedCrossEntropy.Ignored);
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored), target = targets.clamp(min: 0).unsqueeze(1);
        Tensor logits = hidden.mm(weight.t()).to(ScalarType.Float64).requires_grad_(), logP = logits.log_softmax(1);
        Tensor each = -logP.gather(1, target).squeeze(1) * (1 - smoothing) - logP.mean([1]) * smoothing;
        Tensor expected = (each * counted.to(ScalarType.Float64)).sum();
        expected.backward();
        Tensor w = weight.to(ScalarType.Float64), expectedHidden = logits.grad!.mm(w);
        Tensor expectedWeight = logits.grad!.t().mm(hidden.to(ScalarType.Float64));

        Tensor gradWeight = zeros([vocabulary, width]);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight.to(ScalarType.Float32), targets, gradWeight, 0.25, smoothing, ScalarType.BFloat16);
        double bound = deviation < 50 ? 1e-4 : 2e-3;
        Assert.AreEqual(expected.ToDouble() / 200, sum.ToDouble() / 200, bound * Math.Max(expected.ToDouble() / 200, 1));
        Assert.AreEqual(ScalarType.BFloat16, gradHidden.dtype);
        Assert.IsLessThan(6e-3, TestModels.RelativeError(gradHidden * 4, expectedHidden));
        Assert.IsLessThan(6e-3, TestModels.RelativeError(gradWeight * 4, expectedWeight));
    }

    [TestMethod]
    public void HugeLogitsInBFloat16GiveFiniteTrueLosses()
    {
        using var scope = NewDisposeScope();
        Tensor hidden = tensor(new[] { 500f, -500f, 3f }, [3, 1]), weight = full([2001, 1], -1f);
        weight[1234, 0] = tensor(1f);
        Tensor targets = tensor(new long[] { 5, 5, 5 }), gradWeight = zeros_like(weight);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(hidden, weight, targets, gradWeight, 0.5, 0, ScalarType.BFloat16);
        double expected = 1000 + Math.Log(2000) + Math.Log(Math.Exp(6) + 2000);
        Assert.AreEqual(expected, sum.ToDouble(), 1e-3 * expected);
        Assert.AreEqual(1.0, gradHidden[0, 0].ToDouble(), "half of 1 - (-1)");
        Assert.IsTrue(gradWeight.isfinite().all().item<bool>());
    }

    [TestMethod]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.BFloat16)]
    public void TheGradientOfTheStatesIsOfTheirType(ScalarType compute)
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        hidden = hidden.to(ScalarType.BFloat16);
        Tensor expectedWeight = zeros_like(weight), gradWeight = zeros_like(weight);
        var (expected, expectedHidden) = ChunkedCrossEntropy.Differentiate(
            hidden.to(ScalarType.Float32), weight, targets, expectedWeight, 0.25, 0.1, compute);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(hidden, weight, targets, gradWeight, 0.25, 0.1, compute);
        Assert.AreEqual(ScalarType.Float32, expectedHidden.dtype);
        Assert.AreEqual(ScalarType.BFloat16, gradHidden.dtype);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-6 * expected.ToDouble());
        Assert.IsLessThan(6e-3, TestModels.RelativeError(gradHidden, expectedHidden));
        Assert.AreEqual(0.0, TestModels.RelativeError(gradWeight, expectedWeight));
    }

    [TestMethod]
    public void AHeadWithRowsOfZerosBehindTheVocabularyGivesTheSameLossAndGradients()
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        Tensor target = targets.clamp(0).unsqueeze(1), h = hidden.to(ScalarType.BFloat16);
        Tensor plain = weight.to(ScalarType.BFloat16), padded = LinearHead.Padded(weight, ScalarType.BFloat16, 27);
        CollectionAssert.AreEqual(new long[] { 128, 16 }, padded.shape);
        (Tensor loss, Tensor hidden, Tensor weight) expected = Gradients(plain), actual = Gradients(padded);
        Assert.IsLessThan(1e-3, TestModels.RelativeError(actual.loss, expected.loss));
        Assert.IsLessThan(1e-2, TestModels.RelativeError(actual.hidden, expected.hidden));
        Assert.IsLessThan(1e-2, TestModels.RelativeError(actual.weight, expected.weight));

        (Tensor, Tensor, Tensor) Gradients(Tensor head)
        {
            SoftmaxRows rows = SoftmaxRows.Of(h.mm(head.t()), target, weight.shape[0]);
            Tensor gradHidden = zeros_like(hidden), gradWeight = zeros_like(weight), loss = rows.NegativeLogLikelihood;
            LinearHead.Backward(rows.GradLogits(target, 0.1), h, head, gradHidden, gradWeight, 0.25);
            return (loss, gradHidden, gradWeight);
        }
    }

    /// <summary>On CUDA the head has rows of zeros behind the vocabulary, so that its products take fast kernels.</summary>
    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow(0.0)]
    [DataRow(0.1)]
    public void AHeadPaddedForCudaGivesTheLossAndGradientsOfTheCpu(double smoothing)
    {
        Device device = TestModels.RequireCuda();
        using var scope = NewDisposeScope();
        var (hidden, weight, targets) = Random();
        Tensor expectedWeight = zeros_like(weight), gradWeight = zeros_like(weight).to(device);
        var (expected, expectedHidden) = ChunkedCrossEntropy.Differentiate(
            hidden, weight, targets, expectedWeight, 0.25, smoothing, ScalarType.Float32);
        var (sum, gradHidden) = ChunkedCrossEntropy.Differentiate(
            hidden.to(device), weight.to(device), targets.to(device), gradWeight, 0.25, smoothing, ScalarType.BFloat16);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 5e-3 * expected.ToDouble());
        Assert.IsLessThan(2e-2, TestModels.RelativeError(gradHidden, expectedHidden));
        Assert.IsLessThan(2e-2, TestModels.RelativeError(gradWeight, expectedWeight));
    }

    /// <summary>33 hidden states of width 16, a head over 101 tokens, and targets of which a third are ignored.</summary>
    private static (Tensor Hidden, Tensor Weight, Tensor Targets) Random()
    {
        using var random = new Generator(2);
        Tensor targets = randint(0, 101, [33], dtype: ScalarType.Int64, generator: random);
        Tensor ignored = arange(0, 33, dtype: ScalarType.Int64).remainder(3).eq(1);
        return (
            randn([33, 16], generator: random), randn([101, 16], generator: random),
            targets.masked_fill(ignored, ChunkedCrossEntropy.Ignored));
    }
}
