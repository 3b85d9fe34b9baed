using Microsoft.ML.Reversible.Retrofit;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class AutomaticChoiceTests
{
    private static readonly LlamaConfiguration Deep = TestModels.SmallLlama with { LayerCount = 6 };

    private static AutomaticChoice Choose(RetrofitLimits limits, CancellationToken cancellationToken = default)
    {
        using LanguageNetwork teacher = TestModels.Make(Deep, Scheme.Residual, BackwardMode.Stored);
        RetrofitTexts.Sharpen(teacher, 6);
        return AutomaticChoice.Choose(teacher, [RetrofitTexts.Batch(2, 8, seed: 1)], limits, cancellationToken);
    }

    /// <summary>Returns the remainders of a batch with this number of tokens, in GiB.</summary>
    private static double SideGiB(int bits, long tokens) => 4.0 * Deep.Width * tokens * bits / 8 / (1 << 30);

    [TestMethod]
    public void WithoutLimitsTheNearestIsTaken()
    {
        AutomaticChoice choice = Choose(new(1024));
        Assert.HasCount(18, choice.Candidates);
        Assert.AreSame(choice.Candidates[0], choice.Best);
        Assert.IsTrue(choice.Candidates.All(c => c.Fits));
        CollectionAssert.AreEqual(
            choice.Candidates.Select(c => c.Agreement.KlPerToken).Order().ToArray(),
            choice.Candidates.Select(c => c.Agreement.KlPerToken).ToArray());
        Assert.AreEqual(Bdia.Blend(64), choice.Best.Scheme);
        StringAssert.StartsWith(choice.Reason, "Of 18 conversions, run without training on 16 tokens, blend:64 is nearest");
        StringAssert.Contains(choice.Reason, "6 bits of remainders per activation");
        StringAssert.Contains(choice.Reason, " Next is ");
    }

    /// <summary>Each number of bits is forced out in turn, until midpoint and leapfrog and a = ±1 are left.</summary>
    [TestMethod]
    public void AsTheMemoryShrinksTheNextBestIsTaken()
    {
        for (int bits = 5; bits >= 0; bits--)
        {
            AutomaticChoice choice = Choose(new(1 << 20, MaxRemainderGiB: SideGiB(bits, 1 << 20)));
            Assert.AreEqual(choice.Candidates.Where(c => c.BitsPerActivation <= bits).MinBy(c => c.Agreement.Distance), choice.Best);
            CollectionAssert.AreEqual(
                choice.Candidates.Select(c => c.BitsPerActivation <= bits).ToArray(), choice.Candidates.Select(c => c.Fits).ToArray());
            StringAssert.Contains(choice.Reason, $"{choice.Candidates.Count(c => c.Fits)} are within the limits, at most");
            StringAssert.Contains(choice.Reason, " GiB of remainders for a batch of 1048576 tokens");
            StringAssert.Contains(choice.Reason, $"{choice.Candidates[0].Scheme} would be nearer, ");
        }
    }

    [TestMethod]
    public void AsTheTimeShrinksEstimatesAreLeftOut()
    {
        AutomaticChoice choice = Choose(new(1 << 20, MaxRemainderGiB: SideGiB(1, 1 << 20), MaxRelativeCost: 1.5));
        Assert.IsTrue(choice.Candidates.Where(c => c.Scheme is IteratedInverse).All(c => c is { Fits: false, RelativeCost: 2 }));
        Assert.AreEqual(choice.Candidates.First(c => c is { EvaluationsPerLayer: 1, BitsPerActivation: <= 1 }), choice.Best);
        StringAssert.Contains(
            choice.Reason, $"and at most 1.5 times the cost of a checkpointed step; of these {choice.Best.Scheme} is nearest");
        Assert.IsTrue(Choose(new(1024, MaxRelativeCost: 2)).Candidates.All(c => c.Fits));
    }

    [TestMethod]
    public void StepSizesAreSearchedAndTheirBestAreCandidates()
    {
        AutomaticChoice choice = Choose(new(1024));
        Func<Scheme, double?>[] kinds = [s => (s as Midpoint)?.StepSize, s => (s as Leapfrog)?.StepSize];
        foreach (Func<Scheme, double?> stepSize in kinds)
        {
            RetrofitCandidate[] tried = [.. choice.StepSizes.Where(c => stepSize(c.Scheme) is not null)];
            CollectionAssert.AreEqual(
                tried.Select(c => stepSize(c.Scheme)).Order().ToArray(), tried.Select(c => stepSize(c.Scheme)).ToArray());
            Assert.IsTrue(tried.Length > 12 && tried.All(c => c.Scheme.Start == Start.Euler));
            Assert.AreEqual(
                tried.MinBy(c => c.Agreement.Distance), choice.Candidates.Single(c => stepSize(c.Scheme) is not null));
        }
    }

    [TestMethod]
    public void WhereNothingFitsTheLimitAndTheNearestAreNamed()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Choose(new(1024, MaxRemainderGiB: 1, MaxRelativeCost: 0.5)));
        StringAssert.StartsWith(
            e.Message, "None of the 18 conversions is within the limits, at most 1 GiB of remainders for a batch of 1024 tokens and " +
            "at most 0.5 times the cost of a checkpointed step. The nearest is blend:64, with");
        StringAssert.Contains(e.Message, "and 1 times the cost");
    }

    [TestMethod]
    public void ItRepeatsLeavesNoTensorAndCanBeCancelled()
    {
        long before = TestModels.LiveTensors();
        AutomaticChoice first = Choose(new(1024)), second = Choose(new(1024));
        CollectionAssert.AreEqual(first.Candidates.ToArray(), second.Candidates.ToArray());
        CollectionAssert.AreEqual(first.StepSizes.ToArray(), second.StepSizes.ToArray());
        Assert.AreEqual(first.Reason, second.Reason);
        Assert.ThrowsExactly<OperationCanceledException>(() => Choose(new(1024), new(canceled: true)));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }
}
