using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class DerivedDefaultsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(null, 100, 50)]
    [DataRow(5, 0, 0)]
    [DataRow(50, 5, 5)]
    [DataRow(600, 60, 50)]
    [DataRow(100_000, 100, 50)]
    public void TheWarmUpIsATenthOfTheStepsUpToALimit(int? steps, int trainer, int retrofit)
    {
        Assert.AreEqual(trainer, new ReversibleLmTrainer.Options { MaxSteps = steps }.EffectiveWarmupSteps);
        Assert.AreEqual(retrofit, new RetrofitEstimator.Options { MaxSteps = steps }.EffectiveWarmupSteps);
    }

    [TestMethod]
    [DataRow(1e-3, 1e-4)]
    [DataRow(1e-5, 1e-6)]
    [DataRow(3e-4, 3e-5)]
    [DataRow(0.7, 0.07)]
    public void TheFinalLearningRateIsATenth(double rate, double final) =>
        Assert.AreEqual(final, new ReversibleLmTrainer.Options { LearningRate = rate }.EffectiveFinalLearningRate);

    [TestMethod]
    public void TheWarmUpLeavesTheStepsOfTheDecay()
    {
        ReversibleLmTrainer.Options options = new() { Schedule = LearningRateScheduleKind.WarmupStableDecay, DecaySteps = 990 };
        Assert.AreEqual(10, options.EffectiveWarmupSteps);
        options.DecaySteps = null;
        Assert.AreEqual(200, options.EffectiveDecaySteps);
        options.WarmupSteps = 950;
        Assert.AreEqual(50, options.EffectiveDecaySteps);
    }

    [TestMethod]
    public void InsideTheBackwardPassThePreviousNormClips()
    {
        ReversibleLmTrainer.Options options = new() { OptimizerPlacement = OptimizerPlacement.InsideBackward };
        Assert.IsTrue(options.EffectiveClipWithPreviousNorm);
        options.MaxGradNorm = 0;
        Assert.IsFalse(options.EffectiveClipWithPreviousNorm);
        Assert.IsFalse(new ReversibleLmTrainer.Options().EffectiveClipWithPreviousNorm);
    }

    [TestMethod]
    [DataRow(ModelFamily.Gpt2, 192, null, 6)]
    [DataRow(ModelFamily.Gpt2, 64, null, 4)]
    [DataRow(ModelFamily.Gpt2, 100, null, 5)]
    [DataRow(ModelFamily.Gpt2, 7, null, 1)]
    [DataRow(ModelFamily.Gpt2, 6, null, 6)]
    [DataRow(ModelFamily.Llama, 6, null, 3)]
    [DataRow(ModelFamily.Llama, 192, 4, 4)]
    [DataRow(ModelFamily.Llama, 192, 8, 8)]
    public void TheHeadsAreAsManyAsTheWidthTakes(ModelFamily family, int width, int? keyValueHeads, int heads) => Assert.AreEqual(
        heads,
        new ReversibleLmTrainer.Options { Family = family, Width = width, KeyValueHeadCount = keyValueHeads }
            .ConfigurationFor(vocabularySize: 300).HeadCount);

    [TestMethod]
    public void TheFingerprintHasTheValuesInEffect()
    {
        string[] names =
            ["MaxSteps", "MaxEpochs", "WarmupSteps", "DecaySteps", "LearningRate", "FinalLearningRate", "ClipWithPreviousNorm"];
        CollectionAssert.AreEqual(
            new[] { "1000", "not set", "100", "200", "0.001", "0.0001", "False" }, Settings(new ReversibleLmTrainer.Options()));
        CollectionAssert.AreEqual(
            new[] { "500", "not set", "50", "100", "0.0003", "3E-05", "False" }, Settings(new RetrofitEstimator.Options()));
        CollectionAssert.AreEqual(
            new[] { "not set", "2", "not set", "not set", "0.001", "0.0001", "False" },
            Settings(new ReversibleLmTrainer.Options { MaxEpochs = 2 }));

        string[] Settings(TrainingOptions options) => [.. names.Select(name => Fingerprint.Of(options, seed: 1).Settings[name])];
    }

    [TestMethod]
    public void AValueThatIsTheDefaultIsNotRefusedWhereItHasNoEffect()
    {
        _ml.Reversible().Retrofit(new RetrofitEstimator.Options
        {
            TeacherPath = "teacher", Distill = false, MaxSteps = 500, WarmupSteps = 50, FinalLearningRate = 3e-5,
            ClipWithPreviousNorm = false, SearchStepSize = true,
        });
        var e = Assert.ThrowsExactly<ArgumentException>(() => _ml.Reversible().Retrofit(
            new RetrofitEstimator.Options { TeacherPath = "teacher", Distill = false, WarmupSteps = 40 }));
        StringAssert.StartsWith(e.Message, "WarmupSteps has no effect if Distill is false");
    }

    [TestMethod]
    [DataRow("WarmupSteps", "MaxSteps", 50, 60, null, null)]
    [DataRow("DecaySteps", "WarmupSteps", 50, 20, 40, null)]
    [DataRow("FinalLearningRate", "LearningRate", 50, 20, null, 0.1)]
    public void SettingsThatContradictEachOtherAreRefusedByBothNames(
        string option, string other, int steps, int warmup, int? decay, double? final)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Schedule = LearningRateScheduleKind.WarmupStableDecay, MaxSteps = steps, WarmupSteps = warmup, DecaySteps = decay,
            FinalLearningRate = final,
        }));
        Assert.AreEqual(option, e.ParamName);
        StringAssert.Contains(e.Message, other);
    }
}
