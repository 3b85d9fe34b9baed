using Microsoft.ML.Reversible.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Kernels;

[TestClass]
public sealed class ScriptFunctionTests
{
    private static readonly ScriptFunction Function = new("gated", "def gated(x):\n    return torch.silu(x)");

    [TestMethod]
    public void AFunctionHasTheSameBitsAtEveryCallInEveryMode()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        // Two shapes by turns, as the last batch of a run may be smaller than the others.
        Tensor[] inputs = [randn(4, 33, 64, generator: random), randn(3, 7, 64, generator: random)];
        foreach (Tensor x in inputs)
        {
            Tensor first = Invoke(x).clone(), gradient = GradientOf(x);
            for (int call = 0; call < 6; call++)
            {
                Assert.IsTrue(TestModels.SameBits(first, Invoke(x.clone().requires_grad_())), $"with gradients, call {call}");
                Assert.IsTrue(TestModels.SameBits(gradient, GradientOf(x)), $"gradient, call {call}");
                using (no_grad()) Assert.IsTrue(TestModels.SameBits(first, Invoke(x)), $"no_grad, call {call}");
                using (inference_mode()) Assert.IsTrue(TestModels.SameBits(first, Invoke(x.clone())), $"inference_mode, call {call}");
            }
        }
    }

    [TestMethod]
    public void AFunctionKeepsToTheGradientModeOfTheCaller()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, requires_grad: true);
        for (int call = 0; call < 6; call++)
        {
            Assert.IsTrue(Invoke(x).requires_grad, $"call {call}");
            using (no_grad()) Assert.IsFalse(Invoke(x).requires_grad, $"no_grad, call {call}");
            using (inference_mode()) Assert.IsFalse(Invoke(x).requires_grad, $"inference_mode, call {call}");
        }
    }

    [TestMethod]
    public void AFunctionHasTheSameBitsInManyThreads()
    {
        using var random = new Generator(6);
        using Tensor x = randn(500, generator: random), expected = Invoke(x);
        Parallel.For(0, 32, _ =>
        {
            using Tensor actual = Invoke(x);
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
    public void AFunctionLeavesNoTensorsBehind()
    {
        using Tensor x = ones(3);
        Invoke(x).Dispose();
        long before = Tensor.TotalCount;
        new ScriptFunction("same", "def same(a):\n    return torch.relu(a)").TryInvoke(x)!.Dispose();
        Invoke(x).Dispose();
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    private static Tensor Invoke(Tensor x)
    {
        Tensor? result = Function.TryInvoke(x);
        Assert.IsNotNull(result);
        return result;
    }

    private static Tensor GradientOf(Tensor x)
    {
        Tensor leaf = x.detach().clone().requires_grad_();
        return autograd.grad([Invoke(leaf)], [leaf], [ones_like(leaf)])[0];
    }
}
