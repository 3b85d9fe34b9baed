using System.Numerics;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>Sums over float64 spans, with vector instructions.</summary>
internal static class PlainRows
{
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var sums = Vector<double>.Zero;
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        double sum = Vector.Sum(sums);
        for (; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }

    public static void AddScaled(Span<double> sum, double scale, ReadOnlySpan<double> x)
    {
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            (new Vector<double>(sum[i..]) + scale * new Vector<double>(x[i..])).CopyTo(sum[i..]);
        for (; i < x.Length; i++) sum[i] += scale * x[i];
    }

    /// <summary>Multiplies a matrix, whose rows have the length of x, by x.</summary>
    public static double[] Times(double[] matrix, ReadOnlySpan<double> x)
    {
        var product = new double[matrix.Length / x.Length];
        for (int row = 0; row < product.Length; row++) product[row] = Dot(matrix.AsSpan(row * x.Length, x.Length), x);
        return product;
    }

    /// <summary>Replaces values by their softmax, and returns the logarithm of the sum of their exponentials.</summary>
    public static double Softmax(Span<double> x)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (double value in x) max = Math.Max(max, value);
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            Vector.Exp(new Vector<double>(x[i..]) - new Vector<double>(max)).CopyTo(x[i..]);
        for (; i < x.Length; i++) x[i] = Math.Exp(x[i] - max);
        foreach (double value in x) sum += value;
        for (i = 0; i < x.Length; i++) x[i] /= sum;
        return max + Math.Log(sum);
    }
}
