using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class ActivationTests
{
    [TestMethod]
    [DataRow(ScalarType.Float64, 1e-13)]
    [DataRow(ScalarType.Float32, 1e-5)]
    [DataRow(ScalarType.BFloat16, 0.02)]
    public void TanhGeluAndItsGradientAreThoseOfTheFormula(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor x = linspace(-8, 8, 1001, ScalarType.Float64).to(type), weight = linspace(1, -2, 1001, ScalarType.Float64).to(type);
        (Tensor value, Tensor gradient) actual = Differentiate(input => Activation.GeluTanh.Apply(input), x, weight);
        // The formula in float64: its own intermediate values must not be rounded to bfloat16.
        (Tensor value, Tensor gradient) expected = Differentiate(GeluTanh, x.to(ScalarType.Float64), weight.to(ScalarType.Float64));
        Assert.AreEqual(type, actual.value.dtype);
        Assert.IsLessThan(tolerance, LargestDifference(actual.value, expected.value));
        Assert.IsLessThan(tolerance, LargestDifference(actual.gradient, expected.gradient));
    }

    // x/2 (1 + tanh u) with u = √(2/π) (x + 0.044715 x³).
    private static Tensor GeluTanh(Tensor x) => x * 0.5 * ((x + x.pow(3) * 0.044715) * Math.Sqrt(2 / Math.PI)).tanh().add(1);

    private static (Tensor Value, Tensor Gradient) Differentiate(Func<Tensor, Tensor> function, Tensor x, Tensor weight)
    {
        Tensor leaf = x.detach().clone().requires_grad_();
        Tensor value = function(leaf);
        return (value.detach(), autograd.grad([value], [leaf], [weight])[0]);
    }

    private static double LargestDifference(Tensor a, Tensor b) =>
        (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
}
