using System.Numerics;
using Microsoft.ML.Reversible.Stability;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>Tests what docs/schemes.md says about products of BDIA layers with both signs.</summary>
[TestClass]
public sealed class RandomSignsTests
{
    /// <summary>After so many layers of one λ, signs by the bits of a number: the matrix on (p, p⁻).</summary>
    private static (Complex A, Complex B, Complex C, Complex D) Product(int k, Complex eigenvalue, int signs, int count)
    {
        (Complex a, Complex b, Complex c, Complex d) = (1, 0, 0, 1);
        for (int l = 0; l < count; l++)
        {
            double gamma = (signs >> l & 1) == 0 ? 1.0 / k : -1.0 / k;
            Complex sum = 1 - gamma + (1 + gamma) * eigenvalue;
            (a, b, c, d) = (sum * a + gamma * c, sum * b + gamma * d, a, b);
        }
        return (a, b, c, d);
    }

    /// <summary>The largest factor a layer of any sequence of signs that is repeated without end.</summary>
    private static double Worst(int k, Complex eigenvalue, int longest) => Enumerable.Range(1, longest)
        .SelectMany(count => Enumerable.Range(0, 1 << count).Select(signs =>
        {
            (Complex a, Complex b, Complex c, Complex d) = Product(k, eigenvalue, signs, count);
            Complex trace = a + d, root = Complex.Sqrt(trace * trace - 4 * (a * d - b * c));
            return Math.Pow(Math.Max((trace + root).Magnitude, (trace - root).Magnitude) / 2, 1.0 / count);
        }))
        .Max();

    private static double DecayBound(int k) =>
        LayerRecurrence.Of(new Bdia { K = k }, 2)[1].Choices.Max(choice => choice.DecayBound);

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(16)]
    public void OnTheRealIntervalOfBothSignsNoSequenceOfUpToTenLayersGrows(int k)
    {
        double end = DecayBound(k);
        for (int i = 1; i < 20; i++) Assert.IsLessThan(1.0, Worst(k, end * i / 20, 10));
        Assert.AreEqual(1, Worst(k, end, 10), 1e-6);
        Assert.IsGreaterThan(1.005, Worst(k, end - 0.01, 10));
    }

    [TestMethod]
    public void ForComplexEigenvaluesASequenceCanGrowThoughNeitherSignDoes()
    {
        var eigenvalue = new Complex(-0.58, 0.55);
        LayerRecurrence layer = LayerRecurrence.Of(Scheme.Bdia, 2)[1];
        Assert.IsLessThan(1.0, layer.At(eigenvalue).Forward);
        Assert.AreEqual(1.06, Worst(2, eigenvalue, 2), 0.005);
        Assert.IsLessThan(1.0, MeanSquare(2, eigenvalue));
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(16)]
    public void TheMeanSquareOfAnErrorDecaysOnTheWiderIntervalOfThePage(int k)
    {
        double squared = 1.0 / (k * k), end = -2 * (1 - squared) / (1 + 3 * squared);
        Assert.IsLessThan(DecayBound(k), end);
        Assert.IsLessThan(1.0, MeanSquare(k, end + 0.01));
        Assert.AreEqual(1, MeanSquare(k, end), 1e-6);
        Assert.IsGreaterThan(1.0, MeanSquare(k, end - 0.01));
        Assert.IsLessThan(1.0, MeanSquare(k, -0.01));
        Assert.IsGreaterThan(1.0, MeanSquare(k, 0.01));
    }

    /// <summary>The factor by which one more layer multiplies the mean square of an error over all sequences of signs.</summary>
    private static double MeanSquare(int k, Complex eigenvalue)
    {
        double Mean(int count) => Enumerable.Range(0, 1 << count).Average(signs =>
        {
            Complex size = Product(k, eigenvalue, signs, count).A;
            return size.Magnitude * size.Magnitude;
        });
        return Mean(15) / Mean(14);
    }
}
