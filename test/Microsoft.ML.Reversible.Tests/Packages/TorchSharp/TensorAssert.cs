using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

/// <summary>Compares a tensor's elements, in row-major order, with given numbers.</summary>
internal static class TensorAssert
{
    public static void AreClose(double[] expected, Tensor actual, double delta = 1e-5)
    {
        var values = Values(actual);
        Assert.HasCount(expected.Length, values);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], values[i], delta, $"element {i}");
        }
    }

    public static void HasShape(long[] expected, Tensor actual) => CollectionAssert.AreEqual(expected, actual.shape);

    public static double[] Values(Tensor tensor)
    {
        using var flat = tensor.detach().cpu().to(ScalarType.Float64).contiguous().reshape(-1);
        return flat.data<double>().ToArray();
    }
}
