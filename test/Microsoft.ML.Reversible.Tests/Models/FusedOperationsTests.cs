using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class FusedOperationsTests
{
    [TestMethod]
    [DataRow(ScalarType.Float64, 1e-13)]
    [DataRow(ScalarType.Float32, 1e-5)]
    [DataRow(ScalarType.BFloat16, 0.02)]
    public void FusedGeluAndItsGradientAreThoseOfTheFormula(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor x = linspace(-8, 8, 1001, ScalarType.Float64).to(type), weight = linspace(1, -2, 1001, ScalarType.Float64).to(type);
        (Tensor value, Tensor gradient) fused = Differentiate(Fused, x, weight);
        // What rounding to bfloat16 does to the intermediate values of the formula is no error of the fused operation.
        (Tensor value, Tensor gradient) formula = Differentiate(
            ActivationExtensions.ComposedGeluTanh, x.to(ScalarType.Float64), weight.to(ScalarType.Float64));
        Assert.AreEqual(type, fused.value.dtype);
        Assert.IsLessThan(tolerance, LargestDifference(fused.value, formula.value));
        Assert.IsLessThan(tolerance, LargestDifference(fused.gradient, formula.gradient));
    }

    [TestMethod]
    public void FusedGeluHasTheSameBitsAtEveryCallInEveryMode()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        // Two shapes by turns, as the last batch of a run may be smaller than the others.
        Tensor[] inputs = [randn(4, 33, 64, generator: random), randn(3, 7, 64, generator: random)];
        foreach (Tensor x in inputs)
        {
            Tensor first = Fused(x).clone(), gradient = Differentiate(Fused, x, ones_like(x)).Gradient;
            for (int call = 0; call < 6; call++)
            {
                (Tensor value, Tensor again) = Differentiate(Fused, x, ones_like(x));
                Assert.IsTrue(TestModels.SameBits(first, value), $"with gradients, call {call}");
                Assert.IsTrue(TestModels.SameBits(gradient, again), $"gradient, call {call}");
                using (no_grad()) Assert.IsTrue(TestModels.SameBits(first, Fused(x)), $"no_grad, call {call}");
                using (inference_mode()) Assert.IsTrue(TestModels.SameBits(first, Fused(x.clone())), $"inference_mode, call {call}");
            }
        }
    }

    [TestMethod]
    public void FusedGeluKeepsToTheGradientModeOfTheCaller()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, requires_grad: true);
        for (int call = 0; call < 6; call++)
        {
            Assert.IsTrue(Fused(x).requires_grad, $"call {call}");
            using (no_grad()) Assert.IsFalse(Fused(x).requires_grad, $"no_grad, call {call}");
            using (inference_mode()) Assert.IsFalse(Fused(x).requires_grad, $"inference_mode, call {call}");
        }
    }

    [TestMethod]
    public void FusedGeluHasTheSameBitsInManyThreads()
    {
        using var random = new Generator(6);
        using Tensor x = randn(500, generator: random), expected = Fused(x);
        Parallel.For(0, 32, _ =>
        {
            using Tensor actual = Fused(x);
            Assert.IsTrue(TestModels.SameBits(expected, actual));
        });
    }

    [TestMethod]
    public void AFunctionThatCannotRunIsNotAvailable()
    {
        var function = new ScriptFunction("product", "def product(a):\n    return torch.mm(a, a)");
        using Tensor vector = ones(1), matrix = ones(1, 1);
        Assert.IsNull(function.TryInvoke(vector));
        Assert.IsNull(function.TryInvoke(matrix), "what has failed once is not tried again");
    }

    [TestMethod]
    public void FusedOperationsLeaveNoTensorsBehind()
    {
        using Tensor x = ones(3);
        Fused(x).Dispose();
        long before = Tensor.TotalCount;
        new ScriptFunction("same", "def same(a):\n    return torch.relu(a)").TryInvoke(x)!.Dispose();
        Fused(x).Dispose();
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    private static Tensor Fused(Tensor x)
    {
        Tensor? result = FusedOperations.GeluTanh(x);
        Assert.IsNotNull(result);
        return result;
    }

    private static (Tensor Value, Tensor Gradient) Differentiate(Func<Tensor, Tensor> function, Tensor x, Tensor weight)
    {
        Tensor leaf = x.detach().clone().requires_grad_();
        Tensor value = function(leaf);
        return (value.detach(), autograd.grad([value], [leaf], [weight])[0]);
    }

    private static double LargestDifference(Tensor a, Tensor b) =>
        (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
}
