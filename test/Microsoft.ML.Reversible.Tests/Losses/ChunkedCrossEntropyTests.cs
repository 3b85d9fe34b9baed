using Microsoft.ML.Reversible.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Losses;

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
}
