using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class LayerFunctionTests
{
    private readonly Generator _generator = new(3);

    [TestMethod]
    public void CausalAttentionIsMaskedSoftmaxOfScaledProducts()
    {
        var (q, k, v) = (Draw(2, 3, 5, 8), Draw(2, 3, 5, 8), Draw(2, 3, 5, 8));
        var scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(8);
        var masked = scores.masked_fill(ones(5, 5, dtype: ScalarType.Bool).triu(1), double.NegativeInfinity);
        var expected = masked.softmax(-1).matmul(v);
        Assert.IsTrue(F.scaled_dot_product_attention(q, k, v, is_casual: true).allclose(expected, 1e-4, 1e-5));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(64)]
    [DataRow(150)]
    public void GradientsOfCausalAttentionAreThoseOfTheFormula(int tokens)
    {
        var inputs = randn([2, tokens, 3, 2, 8], ScalarType.Float64, generator: _generator).requires_grad_();
        var weight = randn([2, 2, tokens, 8], ScalarType.Float64, generator: _generator);
        var (q, k, v) = (Part(0), Part(1), Part(2));
        var later = ones(tokens, tokens, dtype: ScalarType.Bool).triu(1);
        var formula = (q.matmul(k.transpose(-2, -1)) / Math.Sqrt(8)).masked_fill(later, double.NegativeInfinity).softmax(-1).matmul(v);
        var attention = F.scaled_dot_product_attention(q, k, v, is_casual: true);
        using (no_grad()) Assert.IsTrue(F.scaled_dot_product_attention(q, k, v, is_casual: true).equal(attention).all().item<bool>());
        Assert.IsTrue(attention.allclose(formula, 1e-12, 1e-12));
        var expected = autograd.grad([formula], [inputs], [weight], retain_graph: true)[0];
        Assert.IsTrue(autograd.grad([attention], [inputs], [weight])[0].allclose(expected, 1e-12, 1e-12));

        Tensor Part(long which) => inputs.select(2, which).transpose(1, 2);
    }

    [TestMethod]
    public void AttentionTakesAMaskOfTruthValuesOrOfSummands()
    {
        var (q, k, v) = (Draw(1, 2, 3, 4), Draw(1, 2, 6, 4), Draw(1, 2, 6, 4));
        var keep = ones(3, 6, dtype: ScalarType.Bool).tril(2);
        var summands = zeros(3, 6).masked_fill(keep.logical_not(), double.NegativeInfinity);
        var expected = (q.matmul(k.transpose(-2, -1)) / 2 + summands).softmax(-1).matmul(v);
        Assert.IsTrue(F.scaled_dot_product_attention(q, k, v, keep).allclose(expected, 1e-4, 1e-5));
        Assert.IsTrue(F.scaled_dot_product_attention(q, k, v, summands).allclose(expected, 1e-4, 1e-5));
    }

    [TestMethod]
    public void AttentionWithSummandsIsTheSameWhereGradientsFollow()
    {
        var inputs = randn([2, 5, 3, 3, 4], ScalarType.Float64, generator: _generator).requires_grad_();
        var (q, k, v) = (Part(0).narrow(2, 0, 2), Part(1), Part(2));
        var summands = randn([2, 1, 2, 5], ScalarType.Float64, generator: _generator);
        var formula = (q.matmul(k.transpose(-2, -1)) / 2 + summands).softmax(-1).matmul(v);
        var attention = F.scaled_dot_product_attention(q, k, v, summands);
        Assert.IsTrue(attention.requires_grad && attention.allclose(formula, 1e-12, 1e-12));
        using (no_grad()) Assert.IsTrue(F.scaled_dot_product_attention(q, k, v, summands).allclose(formula, 1e-12, 1e-12));

        Tensor Part(long which) => inputs.select(2, which).transpose(1, 2);
    }

    [TestMethod]
    public void LayerNormCentresAndScales()
    {
        using var x = tensor(new float[] { 1, 2, 3, 4 });
        var scale = 1 / Math.Sqrt(1.25 + 1e-5);
        TensorAssert.AreClose([-1.5 * scale, -0.5 * scale, 0.5 * scale, 1.5 * scale], F.layer_norm(x, [4]));
    }

    [TestMethod]
    public void CrossEntropyIsMeanNegativeLogLikelihoodOfKeptTargets()
    {
        using var logits = tensor(new float[] { 2, 1, 0, 0, 0, 0 }).reshape(2, 3);
        using var targets = tensor(new long[] { 1, -100 });
        var expected = Math.Log(Math.Exp(2) + Math.E + 1) - 1;
        Assert.AreEqual(expected, F.cross_entropy(logits, targets).item<float>(), 1e-5);
        TensorAssert.AreClose([expected, 0], F.cross_entropy(logits, targets, reduction: nn.Reduction.None));
    }

    [TestMethod]
    public void KullbackLeiblerTargetHoldsLogarithmsByDefault()
    {
        using var p = tensor(new double[] { 0.25, 0.75 });
        using var log = p.log();
        Assert.AreEqual(0, F.kl_div(log, log).item<double>(), 1e-12);
        Assert.AreNotEqual(0, F.kl_div(log, p).item<double>(), 1e-3);
        Assert.AreEqual(0, F.kl_div(log, p, log_target: false).item<double>(), 1e-12);
    }

    [TestMethod]
    public void ProductsAgree()
    {
        var (a, b) = (Draw(3, 4), Draw(4, 2));
        var expected = einsum("ij,jk->ik", a, b);
        Assert.IsTrue(a.mm(b).allclose(expected, 1e-5, 1e-6));
        Assert.IsTrue(a.matmul(b).allclose(expected, 1e-5, 1e-6));
        Assert.IsTrue(F.linear(a, b.t()).allclose(expected, 1e-5, 1e-6));
        Assert.IsTrue(zeros(3, 2).addmm(a, b).allclose(expected, 1e-5, 1e-6));
        Assert.IsTrue(a.unsqueeze(0).bmm(b.unsqueeze(0)).squeeze(0).allclose(expected, 1e-5, 1e-6));
    }

    [TestMethod]
    public void DropoutOnlyWorksInTraining()
    {
        using var x = ones(1000);
        Assert.IsTrue(F.dropout(x, 0.5, training: false).allclose(x));
        var kept = TensorAssert.Values(F.dropout(x, 0.5, training: true));
        Assert.IsTrue(kept.All(v => v is 0 or 2));
        Assert.IsTrue(kept.Contains(0) && kept.Contains(2));
    }

    [TestMethod]
    public void OneHotMarksTheClass() => TensorAssert.AreClose([0, 1, 0, 0, 0, 1], F.one_hot(tensor(new long[] { 1, 2 }), 3));

    private Tensor Draw(params long[] size) => randn(size, generator: _generator);
}
