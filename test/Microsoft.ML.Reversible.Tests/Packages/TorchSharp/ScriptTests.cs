using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class ScriptTests
{
    [TestMethod]
    public void AFunctionTakesTensorsAndNumbers()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile(
            """
            def scaled(x, by: float, times: int, negate: bool):
                y = x * by
                for i in range(times):
                    y = y + 1.0
                return -y if negate else y

            """);
        var x = tensor(new double[] { 1, 2 });
        TensorAssert.AreClose([2.5, 3], unit.invoke<Tensor>("scaled", x, 0.5, 2L, false));
        TensorAssert.AreClose([-2.5, -3], unit.invoke<Tensor>("scaled", x, 0.5f, 2, true));
        TensorAssert.AreClose([1.5, 2], (Tensor)unit.invoke("scaled", x, (Scalar)0.5, (Scalar)1, false));
    }

    [TestMethod]
    public void SeveralTensorsComeBackAsATupleOrAnArray()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile(
            """
            def two(x):
                return x + 1.0, x + 2.0
            def many(x):
                return [x, x + 1.0, x + 2.0]

            """);
        var (first, second) = unit.invoke<(Tensor, Tensor)>("two", zeros(1));
        TensorAssert.AreClose([1], first);
        TensorAssert.AreClose([2], second);
        var list = unit.invoke<Tensor[]>("many", zeros(1));
        CollectionAssert.AreEqual(new double[] { 0, 1, 2 }, list.SelectMany(TensorAssert.Values).ToArray());
    }

    [TestMethod]
    public void GradientsFlowThroughAFunction()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile(
            """
            def cube(x):
                return x * x * x

            """);
        // The executor records, optimizes and then repeats a function; all three must differentiate.
        for (var call = 0; call < 4; call++)
        {
            var x = tensor(new double[] { 1, 2 }, requires_grad: true);
            var y = unit.invoke<Tensor>("cube", x);
            TensorAssert.AreClose([1, 8], y);
            y.sum().backward();
            TensorAssert.AreClose([3, 12], x.grad);
        }
    }

    [TestMethod]
    public void ResultsBelongToTheScopeOfTheCall()
    {
        using var unit = jit.compile(
            """
            def twice(x):
                return x + x

            """);
        Tensor result;
        using (NewDisposeScope())
            result = unit.invoke<Tensor>("twice", ones(2));
        Assert.IsTrue(result.IsInvalid);
    }

    [TestMethod]
    public void WrongArgumentsAreExceptions()
    {
        using var scope = NewDisposeScope();
        using var unit = jit.compile(
            """
            def product(a, b):
                return torch.mm(a, b)

            """);
        Assert.ThrowsExactly<ExternalException>(() => unit.invoke("product", ones(2, 3), ones(2, 3)));
        Assert.ThrowsExactly<NotImplementedException>(() => unit.invoke("product", ones(1, 1), "two"));
        Assert.ThrowsExactly<ArgumentNullException>(() => unit.invoke(""));
        Assert.ThrowsExactly<ArgumentNullException>(() => jit.compile(""));
    }
}
