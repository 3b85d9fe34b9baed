using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>Conversions of a trained model before any training, on the last tenth of the stories.</summary>
[TestClass]
public sealed class StoriesTests
{
    private const int Context = 256;

    private static LanguageModel Teacher() => TestFolders.Load(TestData.Require("stories260k/hf-llama-form"));

    /// <summary>Windows spread evenly over the last tenth, where the stories differ in how hard they are.</summary>
    private static TokenBatch[] HeldOut(int windows)
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("stories260k/tok512.model"));
        string text = File.ReadAllText(TestData.Require("tinystories-sample/tiny_stories.txt"));
        int[] ids = [.. tokenizer.Encode(text[(text.Length / 10 * 9)..])];
        using TokenCache cache = TokenCacheBuilder.Build([ids], 512, endOfTextId: null, path: null);
        TokenBatch[] all = [.. new TokenWindows(cache, Context, heldOutFraction: 0.99).HeldOut(rows: 1)];
        return [.. Enumerable.Range(0, windows).Select(i => all[all.Length * i / windows])];
    }

    /// <summary>KL and top-1 agreement as measured elsewhere in float32, on other windows of the same text; the nearest first.</summary>
    private static readonly (Scheme Scheme, double Kl, double Top1)[] _measured =
    [
        (Bdia.Blend(32), 0.0012, 0.981),
        (new IteratedInverse { A = 1 / 16.0 }, 0.0022, 0.975),
        (Bdia.Blend(16), 0.0047, 0.963),
        (new IteratedInverse { A = 1 / 8.0 }, 0.0088, 0.952),
        (Bdia.Blend(8), 0.0187, 0.928),
        (new IteratedInverse { A = 1 / 4.0 }, 0.036, 0.906),
        (Bdia.Blend(4), 0.077, 0.858),
        (new IteratedInverse { A = 1 / 2.0 }, 0.185, 0.797),
        (Bdia.Blend(2), 0.388, 0.694),
        (new IteratedInverse { A = -1 }, 1.15, 0.439),
        (new Midpoint(0.5) { Start = Start.Euler }, 2.31, 0.268),
        (new IteratedInverse { A = 1 }, 2.40, 0.257),
        (new Midpoint(0.75) { Start = Start.Euler }, 2.84, 0.210),
        (new Midpoint(0.25) { Start = Start.Euler }, 3.35, 0.146),
        (new IteratedInverse { A = 1, M = 2 }, 3.37, 0.158),
        (new IteratedInverse { A = 1, M = 3 }, 4.22, 0.100),
    ];

    [TestMethod]
    public void UntrainedConversionsAreAsFarFromTheTeacherAsMeasuredElsewhere()
    {
        using LanguageModel teacher = Teacher();
        using var sample = new TeacherSample(teacher.Network, HeldOut(12));
        foreach ((Scheme scheme, double kl, double top1) in _measured)
        {
            RetrofitAgreement agreement = sample.Measure(scheme);
            Assert.AreEqual(kl, agreement.KlPerToken, 0.1 * kl, $"KL of {scheme}");
            Assert.AreEqual(top1, agreement.Top1Agreement, 0.04, $"top-1 agreement of {scheme}");
            if (scheme == Bdia.Blend(16)) Assert.IsTrue(agreement is { KlPerToken: <= 0.006, Top1Agreement: >= 0.95 }, $"{agreement}");
        }
    }

    /// <summary>With four bits and one evaluation a blend of 1/16; with no bits leapfrog, at a large step.</summary>
    [TestMethod]
    public void TheChoiceFollowsTheLimits()
    {
        using LanguageModel teacher = Teacher();
        TokenBatch[] sample = HeldOut(2);
        double fourBits = 3.0 * 64 * 4096 * 4 / 8 / (1 << 30);
        AutomaticChoice cheap = AutomaticChoice.Choose(teacher.Network, sample, new(4096, fourBits, MaxRelativeCost: 1.5));
        AutomaticChoice small = AutomaticChoice.Choose(teacher.Network, sample, new(4096, MaxRemainderGiB: 0));

        Assert.AreEqual(Bdia.Blend(16), cheap.Best.Scheme);
        Assert.AreEqual(1 / 16.0, Math.Abs(((IteratedInverse)cheap.Candidates.First(c => c.BitsPerActivation == 4).Scheme).A));
        Assert.AreEqual(Bdia.Blend(64), cheap.Candidates[0].Scheme);
        Scheme[] known = [.. _measured.Select(m => m.Scheme)];
        CollectionAssert.AreEqual(
            known.Where(s => cheap.Candidates.Any(c => c.Scheme == s)).ToArray(),
            cheap.Candidates.Select(c => c.Scheme).Where(known.Contains).ToArray());
        Assert.IsTrue(small.Best is { Scheme: Leapfrog { StepSize: > 1.1 and < 1.6 }, Agreement.KlPerToken: < 1 }, $"{small.Best}");
    }

    [TestMethod]
    public void FixedPointStepsDoNotFindTheHiddenStatesOfThisTeacher()
    {
        using LanguageModel teacher = Teacher();
        IReadOnlyList<LayerEstimate> layers = EstimateMeter.Measure(teacher.Network, HeldOut(2), 3);
        Assert.HasCount(4, layers);
        foreach (LayerEstimate layer in layers)
        {
            Assert.IsGreaterThan(3, layer.LipschitzFactor);
            Assert.IsGreaterThan(1, layer.LocalFactors[2]);
            Assert.IsGreaterThan(0.4, layer.RelativeErrors[layer.BestSteps]);
        }
        StringAssert.Contains(EstimateVerdict.Of(layers), "below 1 in none of 4 layers");
    }
}
