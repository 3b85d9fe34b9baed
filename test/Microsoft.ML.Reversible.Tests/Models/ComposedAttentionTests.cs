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
