using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

[TestClass]
public sealed class SchemeTests
{
    public static IEnumerable<object[]> Every =>
        Scheme.All.Append(new Midpoint(0.125)).Append(new Midpoint(1)).Select(scheme => new object[] { scheme });

    [TestMethod]
    [DynamicData(nameof(Every))]
    public void ParseReadsWhatToStringWrites(Scheme scheme) => Assert.AreEqual(scheme, Scheme.Parse(scheme.ToString()));

    [TestMethod]
    public void ParseTakesDefaultsIgnoresCaseAndReadsTheParameter()
    {
        Assert.AreEqual(Scheme.Midpoint, Scheme.Parse("Midpoint"));
        Assert.AreEqual(new Midpoint(0.25), Scheme.Parse("midpoint:0.25"));
        Assert.AreEqual("midpoint:0.5", Scheme.Midpoint.ToString());
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("euler")]
    [DataRow("midpoint:half")]
    [DataRow("residual:1")]
    public void ParseRefusesWhatIsNoScheme(string text) => Assert.ThrowsExactly<ArgumentException>(() => Scheme.Parse(text));

    [TestMethod]
    public void AnUnknownNameIsToldTheKnownOnes()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => Scheme.Parse("euler"));
        StringAssert.Contains(e.Message, "midpoint");
        StringAssert.Contains(e.Message, "residual");
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-0.5)]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    public void MidpointRefusesAStepSizeOutOfRange(double stepSize)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Midpoint(stepSize));
        StringAssert.Contains(e.Message, "positive and finite");
    }

    [TestMethod]
    [DynamicData(nameof(Every))]
    public void InverseUndoesForwardWithinRounding(Scheme scheme)
    {
        if (!scheme.IsReversible) return;
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        for (int i = 0; i < 50; i++)
        {
            long[] shape = [1 + i % 3, 1 + i % 7, 1 + i % 11];
            Tensor previous = randn(shape, generator: random), current = randn(shape, generator: random), f = randn(shape, generator: random);
            Tensor back = scheme.Inverse(current, scheme.Forward(previous, current, f), f);
            Assert.IsLessThan(1e-5, (back - previous).abs().max().ToDouble());
        }
    }

    [TestMethod]
    public void TheResidualSchemeHasNoInverse()
    {
        Assert.IsFalse(Scheme.Residual.IsReversible);
        using Tensor x = zeros(1);
        Assert.ThrowsExactly<NotSupportedException>(() => Scheme.Residual.Inverse(x, x, x));
    }

    /// <summary>⟨Forward(p⁻, p, f), g⟩ = ⟨p⁻, A g⟩ + ⟨p, B g⟩ + ⟨f, C g⟩ is what makes a linear map's adjoint.</summary>
    [TestMethod]
    [DynamicData(nameof(Every))]
    public void AdjointIsTheTransposeOfForward(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        Tensor previous = Draw(), current = Draw(), f = Draw(), g = Draw();
        (Tensor? toPrevious, Tensor? toCurrent, Tensor toF) = scheme.Adjoint(g);
        double expected = Dot(scheme.Forward(previous, current, f), g);
        double actual = Dot(previous, toPrevious) + Dot(current, toCurrent) + Dot(f, toF);
        Assert.AreEqual(expected, actual, 1e-12);

        Tensor Draw() => randn([2, 3, 5], dtype: ScalarType.Float64, generator: random);

        static double Dot(Tensor a, Tensor? b) => b is null ? 0 : (a * b).sum().ToDouble();
    }
}
