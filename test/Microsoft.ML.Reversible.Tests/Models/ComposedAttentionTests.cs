using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class ComposedAttentionTests
{
    private static Tensor[] Inputs()
    {
        using var random = new Generator(5);
        return [.. Enumerable.Range(0, 3).Select(_ => randn([2, 3, 7, 4], dtype: ScalarType.Float64, generator: random))];
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ItGivesTheFusedKernelsValues(bool causal)
    {
        using var scope = NewDisposeScope();
        Tensor[] x = Inputs();
        Tensor fused = DotProductAttention.Of(x[0], x[1], x[2], causal), composed = ComposedAttention.Of(x[0], x[1], x[2], causal);
        Assert.IsLessThan(1e-13, TestModels.RelativeError(composed, fused));
    }

    /// <summary>Lengths around the number of queries that are computed together, against the scores of all pairs in float64.</summary>
    [TestMethod]
    [DataRow(1, 3, null)]
    [DataRow(40, 1, null)]
    [DataRow(40, 7, 0.5)]
    [DataRow(512, 600, 2.0)]
    [DataRow(513, 100, null)]
    [DataRow(1100, 512, null)]
    [DataRow(1100, 600, 0.5)]
    [DataRow(1100, 2000, 0.5)]
    public void ATokenAttendsToItsWindowUnderTheCap(int tokens, int window, double? cap)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        Tensor[] x = [.. Enumerable.Range(0, 3).Select(_ => randn([1, 2, tokens, 4], dtype: ScalarType.Float64, generator: random))];
        Tensor scores = x[0].matmul(x[1].transpose(2, 3)) / 2;
        if (cap is { } most) scores = (scores / most).tanh() * most;
        Tensor seen = ones([tokens, tokens], dtype: ScalarType.Bool).tril().logical_and(
            ones([tokens, tokens], dtype: ScalarType.Bool).triu(1 - window));
        Tensor expected = scores.masked_fill(seen.logical_not(), double.NegativeInfinity).softmax(-1).matmul(x[2]);

        var limits = new AttentionLimits(window, cap);
        Assert.IsLessThan(1e-12, TestModels.RelativeError(DotProductAttention.Of(x[0], x[1], x[2], limits: limits), expected));
        using (ComposedAttention.Use())
            Assert.IsLessThan(1e-12, TestModels.RelativeError(DotProductAttention.Of(x[0], x[1], x[2], limits: limits), expected));
    }

    [TestMethod]
    public void ItIsUsedOnThisThreadUntilTheUseEnds()
    {
        using var scope = NewDisposeScope();
        Tensor[] x = Inputs();
        using (ComposedAttention.Use())
        {
            using (ComposedAttention.Use()) Assert.IsTrue(ComposedAttention.IsInUse);
            Assert.IsTrue(ComposedAttention.IsInUse);
            CollectionAssert.AreEqual(Values(ComposedAttention.Of(x[0], x[1], x[2])), Values(DotProductAttention.Of(x[0], x[1], x[2])));
            bool elsewhere = true;
            var thread = new Thread(() => elsewhere = ComposedAttention.IsInUse);
            thread.Start();
            thread.Join();
            Assert.IsFalse(elsewhere);
        }
        Assert.IsFalse(ComposedAttention.IsInUse);

        static double[] Values(Tensor y) => y.contiguous().data<double>().ToArray();
    }

    [TestMethod]
    public void ItsGradientCanBeDifferentiated()
    {
        using var scope = NewDisposeScope();
        Tensor[] x = Inputs();
        Tensor leaf = x[0].requires_grad_(), direction = randn_like(leaf);
        Tensor of = ComposedAttention.Of(leaf, x[1], x[2]);
        Tensor gradient = autograd.grad([of.square().sum()], [leaf], retain_graph: true, create_graph: true)[0];
        Tensor second = autograd.grad([(gradient * direction).sum()], [leaf])[0];
        const double step = 1e-5;
        Tensor difference = (Gradient(x[0] + direction * step) - Gradient(x[0] - direction * step)) / (2 * step);
        Assert.IsLessThan(1e-7, TestModels.RelativeError(second, difference));

        Tensor Gradient(Tensor at)
        {
            Tensor query = at.detach().requires_grad_();
            return autograd.grad([ComposedAttention.Of(query, x[1], x[2]).square().sum()], [query])[0];
        }
    }
}
