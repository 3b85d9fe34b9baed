using Microsoft.ML.Reversible.Schemes;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

[TestClass]
public sealed class SchemeTests
{
    /// <summary>Every scheme with its defaults, and some with other parameters.</summary>
    public static IEnumerable<object[]> Every => new Scheme[]
    {
        new Midpoint(0.125),
        new Midpoint(1) { Start = Start.Euler, ReadOut = ReadOut.Mean },
        new Leapfrog(0.3),
        new OutsideScheme(-0.5, 0.3),
        new OutsideScheme(3),
        new MidpointA { StepSize = 0.5, Factors = [1.25, -0.75, 1] },
        new IteratedInverse { A = 1, M = 3 },
        new IteratedInverse { A = -0.125, M = 64, Bits = 20, Start = Start.Repeat },
        Bdia.Blend(),
        Bdia.Blend(1 << 20),
        new Bdia { K = 16, Signs = BdiaSigns.Positive, Bits = 12, Inference = BdiaInference.Recurrence, Start = Start.Repeat },
        new Bdia { K = 4, Signs = BdiaSigns.Negative, Bits = 24, Inference = BdiaInference.Recurrence },
    }.Concat(Scheme.All).Select(scheme => new object[] { scheme });

    [ClassInitialize]
    public static void Register(TestContext context) => Scheme.Register(new OutsideScheme());

    [TestMethod]
    [DynamicData(nameof(Every))]
    public void ParseReadsWhatToStringWrites(Scheme scheme) => Assert.AreEqual(scheme, Scheme.Parse(scheme.ToString()));

    [TestMethod]
    public void ParseTakesDefaultsIgnoresCaseAndReadsParameters()
    {
        Assert.AreEqual(Scheme.Midpoint, Scheme.Parse("Midpoint"));
        Assert.AreEqual(new Midpoint(0.25), Scheme.Parse("midpoint:0.25"));
        Assert.AreEqual("midpoint:0.5", Scheme.Midpoint.ToString());
        Assert.AreEqual("residual", Scheme.Residual.ToString());
        Assert.AreEqual(new Bdia { K = 4 }, Scheme.Parse("bdia:k=4"));
        Assert.AreEqual(new Leapfrog { Start = Start.Euler }, Scheme.Parse("leapfrog: start=euler"));
        Assert.AreEqual(new IteratedInverse { A = -0.25, M = 2 }, Scheme.Parse("iterated-inverse:m=2,a=-0.25"));
        Assert.AreEqual("iterated-inverse:a=0.5,m=1,bits=24", Scheme.IteratedInverse.ToString());
    }

    [TestMethod]
    public void BdiaOfANewNetworkHasThePapersGrid()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Bdia, BackwardMode.Stored);
        Assert.AreEqual(new Bdia { Bits = 9 }, network.Stack.Scheme);
        Assert.AreEqual("bdia:k=2,signs=random,bits=9,inference=standard", network.Stack.Scheme.ToString());
        Assert.AreEqual("bdia:k=2,signs=random,inference=standard", Scheme.Bdia.ToString());
    }

    [TestMethod]
    [DataRow("bdia:bits=9", Arithmetic.Float)]
    [DataRow("blend:128,bits=12", Arithmetic.Float)]
    [DataRow("iterated-inverse:a=1,bits=12", Arithmetic.Float)]
    [DataRow("residual:start=euler", Arithmetic.Exact)]
    public void AParameterWithoutEffectIsRefused(string scheme, Arithmetic arithmetic)
    {
        var options = new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Parse(scheme), Arithmetic = arithmetic, BackwardMode = BackwardMode.Stored,
        };
        var e = Assert.ThrowsExactly<ArgumentException>(() => new MLContext().Reversible().LanguageModel(options));
        StringAssert.Contains(e.Message, "has no effect: ");
    }

    [TestMethod]
    [DataRow("bdia")]
    [DataRow("blend:128")]
    [DataRow("iterated-inverse:a=1")]
    public void WithoutTheParameterItIsTaken(string scheme) => new MLContext().Reversible().LanguageModel(
        new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Parse(scheme), Arithmetic = Arithmetic.Float, BackwardMode = BackwardMode.Stored,
        });

    [TestMethod]
    public void FactorsThatSpoilWhatFloatArithmeticRebuildsAreNotRunBackwards()
    {
        Assert.IsNull(Scheme.MidpointA.Bind(96, seed: 1).WhyNotReversible(Arithmetic.Float));
        Scheme steep = new MidpointA { Factors = [1, 0.05, 0.05, 0.05, 0.05] };
        StringAssert.Contains(steep.WhyNotReversible(Arithmetic.Float), "by 1.6E+05 over the layers");
        Assert.AreEqual(BackwardMode.Stored, steep.DefaultBackwardMode(Arithmetic.Float));
    }

    [TestMethod]
    public void BlendIsShortForBdiaWithOneFixedGamma()
    {
        var blend = new Bdia { K = 8, Signs = BdiaSigns.Positive, Bits = 24, Inference = BdiaInference.Recurrence };
        Assert.AreEqual(blend, Scheme.Parse("blend:8"));
        Assert.AreEqual(blend, Bdia.Blend(8));
        Assert.AreEqual(blend with { Bits = 20, Start = Start.Repeat }, Scheme.Parse("blend:8,bits=20,start=repeat"));
        Assert.AreEqual(blend with { K = 4 }, Scheme.Parse("blend:start=euler,4"));
        Assert.AreEqual(blend with { K = 16 }, Scheme.Parse("blend"));
        Assert.AreEqual("blend:8", blend.ToString());
        Assert.AreEqual("blend:8,bits=20", (blend with { Bits = 20 }).ToString());
        Assert.AreEqual("blend:8,start=repeat,read-out=mean", (blend with { Start = Start.Repeat, ReadOut = ReadOut.Mean }).ToString());
        Assert.AreEqual(
            "bdia:k=8,signs=positive,bits=24,inference=standard", (blend with { Inference = BdiaInference.Standard }).ToString());
        Assert.AreEqual("bdia:k=8,signs=negative,bits=24,inference=recurrence", (blend with { Signs = BdiaSigns.Negative }).ToString());
        Assert.AreEqual(blend, Scheme.Parse("bdia:k=8,signs=positive,bits=24,inference=recurrence"));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("euler")]
    [DataRow("midpoint:half")]
    [DataRow("midpoint:1,2")]
    [DataRow("midpoint:start=late")]
    [DataRow("residual:1")]
    [DataRow("bdia:k")]
    [DataRow("bdia:gamma=2")]
    [DataRow("bdia:k=2.5")]
    [DataRow("bdia:signs=7")]
    [DataRow("bdia:8")]
    [DataRow("blend:half")]
    [DataRow("blend:8,4")]
    [DataRow("blend:bits=20,8")]
    [DataRow("iterated-inverse:0.5")]
    [DataRow("iterated-inverse:a")]
    [DataRow("iterated-inverse:m=1.5")]
    [DataRow("bdia:k=2,k=4")]
    [DataRow("midpoint:0.5,start=euler,start=repeat")]
    [DataRow("bdia:signs=1")]
    public void ParseRefusesWhatIsNoScheme(string text) => Assert.ThrowsExactly<ArgumentException>(() => Scheme.Parse(text));

    [TestMethod]
    public void AnUnknownNameIsToldTheKnownOnes()
    {
        string message = Assert.ThrowsExactly<ArgumentException>(() => Scheme.Parse("euler")).Message;
        string[] names = ["residual", "midpoint", "midpoint-a", "leapfrog", "hamiltonian", "bdia", "iterated-inverse", "blend"];
        foreach (string name in names)
            StringAssert.Contains(message, name);
    }

    [TestMethod]
    [DataRow("midpoint:0", "StepSize")]
    [DataRow("midpoint:-1", "StepSize")]
    [DataRow("leapfrog:NaN", "StepSize")]
    [DataRow("midpoint:1e999", "StepSize")]
    [DataRow("midpoint-a:0", "StepSize")]
    [DataRow("midpoint-a:1,0.5,0", "Factors")]
    [DataRow("bdia:k=3", "K")]
    [DataRow("bdia:k=1", "K")]
    [DataRow("bdia:k=2097152", "K")]
    [DataRow("blend:24", "K")]
    [DataRow("iterated-inverse:a=0", "A")]
    [DataRow("iterated-inverse:a=0.3", "A")]
    [DataRow("iterated-inverse:a=2", "A")]
    [DataRow("iterated-inverse:a=0.0078125", "A")]
    [DataRow("iterated-inverse:a=NaN", "A")]
    [DataRow("iterated-inverse:a=infinity", "A")]
    [DataRow("iterated-inverse:m=0", "M")]
    [DataRow("iterated-inverse:m=65", "M")]
    [DataRow("iterated-inverse:bits=31", "Bits")]
    [DataRow("bdia:bits=0", "Bits")]
    [DataRow("bdia:bits=31", "Bits")]
    public void AParameterOutOfRangeIsNamed(string text, string name) =>
        Assert.AreEqual(name, Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Scheme.Parse(text)).ParamName);

    [TestMethod]
    public void MidpointADrawsItsFactorsOnceFromTheSeed()
    {
        var bound = (MidpointA)Scheme.MidpointA.Bind(1000, seed: 5);
        Assert.AreEqual(bound, Scheme.MidpointA.Bind(1000, seed: 5));
        Assert.AreNotEqual(bound, Scheme.MidpointA.Bind(1000, seed: 6));
        Assert.AreSame(bound, bound.Bind(1000, seed: 7));
        Assert.IsTrue(bound.Factors.All(a => Math.Abs(a) is >= 0.5 and <= 1.5));
        Assert.AreEqual(0, bound.Factors.Average(), 0.1);
        Assert.AreEqual(0.5, bound.Factors.Count(a => a > 0) / 1000.0, 0.06);
        Assert.ThrowsExactly<ArgumentException>(() => bound.Bind(12, seed: 5));
    }

    /// <summary>⟨Forward(p⁻, p, f), g⟩ = ⟨p⁻, A g⟩ + ⟨p, B g⟩ + ⟨f, C g⟩ is what makes a linear map's adjoint.</summary>
    [TestMethod]
    [DynamicData(nameof(Every))]
    public void AdjointIsTheTransposeOfForward(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        Scheme bound = scheme.Bind(3, seed: 1);
        for (int index = 0; index < 3; index++)
        {
            Tensor previous = Draw(), current = Draw(), f = Draw(), g = Draw();
            using var at = new Layer(index, grid: null, keeps: false) { Drawn = bound.Draw(3, 2, seed: 9, CPU)?.Invoke(index) };
            double expected = Dot(bound.Step(at, previous, current, f), g);
            Tensor toF = bound.StepAdjointOfF(at, g).clone(), known = Draw();
            expected += Dot(current, known);
            (Tensor? toPrevious, Tensor? toCurrent) = bound.StepAdjoint(at, g, known);
            Assert.AreEqual(expected, Dot(previous, toPrevious) + Dot(current, toCurrent) + Dot(f, toF), 1e-12);
        }

        Tensor Draw() => randn([2, 3, 5], dtype: ScalarType.Float64, generator: random);

        static double Dot(Tensor a, Tensor? b) => b is null ? 0 : (a * b).sum().ToDouble();
    }

    [TestMethod]
    [DynamicData(nameof(Every))]
    public void TheCoefficientsAreThoseOfForward(Scheme scheme)
    {
        if (scheme is Bdia { Signs: BdiaSigns.Random }) return;
        using var scope = NewDisposeScope();
        Scheme bound = scheme.Bind(3, seed: 1);
        using var at = new Layer(1, grid: null, keeps: false) { Drawn = bound.Draw(3, 1, seed: 9, CPU)?.Invoke(1) };
        Tensor one = ones([1, 1, 1], dtype: ScalarType.Float64), zero = zeros([1, 1, 1], dtype: ScalarType.Float64);
        var (a, b, c) = bound.At(1);
        Assert.AreEqual(a, bound.Forward(at, one, zero, zero).ToDouble(), 1e-15);
        Assert.AreEqual(b, bound.Forward(at, zero, one, zero).ToDouble(), 1e-15);
        Assert.AreEqual(c, bound.Forward(at, zero, zero, one).ToDouble(), 1e-15);
    }

    [TestMethod]
    public void TheResidualSchemeHasNoInverse()
    {
        Assert.IsFalse(Scheme.Residual.IsReversible);
        using Tensor x = zeros(1);
        using var at = new Layer(1, null, keeps: true);
        Assert.ThrowsExactly<NotSupportedException>(() => Scheme.Residual.Inverse(at, x, x, x));
    }
}
