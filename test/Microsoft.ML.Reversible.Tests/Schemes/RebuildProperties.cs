using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.Reversible.Tests.Stack;

namespace Microsoft.ML.Reversible.Tests.Schemes;

/// <summary>Tests that Inverse undoes Forward, for random shapes, depths, seeds and parameters.</summary>
[TestClass]
public sealed class RebuildProperties
{
    /// <summary>300 cases a scheme; 10,000 where the environment variable REVERSIBLE_FULL is 1.</summary>
    private static readonly int Cases = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 10_000 : 300;

    private static readonly Gen<double> Steps = Gen.Elements(0.1, 0.25, 0.3, 0.5, 1.0);

    private static readonly Gen<int> Powers = Gen.Elements(2, 4, 8, 16, 32, 64);

    private static Gen<StackCase> CasesOf(int maxDepth, double deviation) =>
        from depth in Gen.OneOf(Gen.Choose(1, Math.Min(6, maxDepth)), Gen.Choose(1, maxDepth))
        from batch in Gen.Choose(1, 3)
        from context in Gen.Choose(1, 4)
        from width in Gen.Choose(1, 9)
        from seed in Gen.Choose(0, 1 << 20)
        select new StackCase(depth, batch, context, width, seed, deviation);

    private static void Check(Gen<Scheme> schemes, Gen<StackCase> cases, Arithmetic arithmetic, double bound)
    {
        Gen<(Scheme, StackCase)> pairs = from scheme in schemes from stackCase in cases select (scheme, stackCase);
        Prop.ForAll(pairs.ToArbitrary(), pair => pair.Item2.RebuildError(pair.Item1, arithmetic) <= bound)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(Cases).WithQuietOnSuccess(true));
    }

    [TestMethod]
    public void MidpointIsExact() => Check(Steps.Select(h => (Scheme)new Midpoint(h)), CasesOf(96, 0.3), Arithmetic.Exact, 0);

    [TestMethod]
    public void LeapfrogIsExact() => Check(Steps.Select(h => (Scheme)new Leapfrog(h)), CasesOf(96, 0.3), Arithmetic.Exact, 0);

    [TestMethod]
    public void HamiltonianIsExact() => Check(Gen.Constant(Scheme.Hamiltonian), CasesOf(48, 0.3), Arithmetic.Exact, 0);

    [TestMethod]
    public void BdiaIsExactForEveryK() => Check(
        from k in Powers
        from signs in Gen.Elements(BdiaSigns.Random, BdiaSigns.Positive, BdiaSigns.Negative)
        from bits in Gen.Choose(4, 24)
        select (Scheme)new Bdia { K = k, Signs = signs, Bits = bits },
        CasesOf(96, 0.3), Arithmetic.Exact, 0);

    [TestMethod]
    public void TheIteratedInverseIsExactForEveryA() => Check(
        from k in Gen.OneOf(Gen.Constant(1), Powers)
        from sign in Gen.Elements(1, -1)
        from m in Gen.Choose(1, 3)
        from bits in Gen.Choose(4, 24)
        select (Scheme)new IteratedInverse { A = (double)sign / k, M = m, Bits = bits },
        CasesOf(48, 0.15), Arithmetic.Exact, 0);

    /// <summary>Float32 rounding, 6e-8, over 24 contracting layers stays below 1e-5 of the largest hidden state.</summary>
    [TestMethod]
    public void MidpointAndHamiltonianAreRebuiltWithinRoundingInFloat() => Check(
        Gen.OneOf(Steps.Select(h => (Scheme)new Midpoint(h)), Gen.Constant(Scheme.Hamiltonian)), CasesOf(24, 0.05), Arithmetic.Float, 1e-5);

    /// <summary>
    /// Eigenvalues of f with a positive real part let leapfrog's errors grow by 1 + h √λ a layer: up to some hundred times in 24.
    /// </summary>
    [TestMethod]
    public void LeapfrogIsRebuiltWithinItsGrowthInFloat() => Check(
        Steps.Where(h => h <= 0.5).Select(h => (Scheme)new Leapfrog(h)), CasesOf(24, 0.05), Arithmetic.Float, 1e-4);

    /// <summary>Each layer may double a rounding error, as |a| can be 1/2: 2⁸ · 6e-8 and some for eight layers.</summary>
    [TestMethod]
    public void MidpointAIsRebuiltWithinItsGrowthInFloat() =>
        Check(Gen.Constant(Scheme.MidpointA), CasesOf(8, 0.05), Arithmetic.Float, 1e-4);

    [TestMethod]
    public void TheIteratedInverseWithAOfOneIsRebuiltWithinItsGrowthInFloat() => Check(
        from a in Gen.Elements(1.0, -1.0)
        from m in Gen.Choose(1, 3)
        select (Scheme)new IteratedInverse { A = a, M = m },
        CasesOf(16, 0.05), Arithmetic.Float, 1e-4);

    [TestMethod]
    public void FloatArithmeticIsNotExactSoTheChecksCanFail()
    {
        var stackCase = new StackCase(Depth: 24, Batch: 2, Context: 4, Width: 8, Seed: 1, Deviation: 0.3);
        foreach (Scheme scheme in new[] { new Midpoint(0.3), Scheme.Leapfrog, Scheme.Hamiltonian, new IteratedInverse { A = 1 } })
            Assert.IsGreaterThan(0.0, stackCase.RebuildError(scheme, Arithmetic.Float), $"{scheme}");
    }
}
