using System.Reflection;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class FingerprintTests
{
    private sealed class Numbers : TrainingOptions
    {
        public int New { get; set; } = 1;

        public double? Dependent { get; set; }

        [NotInFingerprint("it is for a test")]
        public int Marked { get; set; }

        internal double EffectiveDependent => Dependent ?? New / 2.0;
    }

    private sealed class Callback : TrainingOptions
    {
        public Action? Told { get; set; }
    }

    [TestMethod]
    public void AnOptionThatIsNotMarkedIsCompared()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Compare(new Numbers { New = 2 }));
        StringAssert.Contains(e.Message, "New was 1 and is now 2");
        StringAssert.Contains(e.Message, "Dependent was 0.5 and is now 1");
        Compare(new Numbers { Dependent = 0.5 });
        Compare(new Numbers { Marked = 7 });
    }

    [TestMethod]
    public void AnOptionWithoutATextMustBeMarked()
    {
        var e = Assert.ThrowsExactly<NotSupportedException>(() => Fingerprint.Of(new Callback(), seed: 1));
        StringAssert.Contains(e.Message, "Told");
        StringAssert.Contains(e.Message, "[NotInFingerprint]");
    }

    [TestMethod]
    public void ACheckpointFromBeforeAnOptionHadItsDefault()
    {
        Fingerprint now = Fingerprint.Of(new Numbers { New = 2 }, seed: 1), before = Fingerprint.Of(new Numbers(), seed: 1);
        before = before with { Settings = before.Settings.Where(setting => setting.Key is not "New").ToDictionary() };
        before.Require(Fingerprint.Of(new Numbers(), seed: 1), "checkpoint");
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => before.Require(now, "checkpoint"));
        StringAssert.Contains(e.Message, "New was 1 and is now 2");
    }

    [TestMethod]
    public void AnEntryOfATaskIsComparedAndOneOfBothOnlyWhereBothHaveIt()
    {
        Fingerprint plain = Fingerprint.Of(new Numbers(), seed: 1);
        Fingerprint known = plain.With([new("Task", "a"), new("Learned", "b", true)], "hash");
        StringAssert.Contains(Refusal(plain.With([new("Task", "c")], "hash")), "Task was a and is now c");
        StringAssert.Contains(Refusal(plain.With([new("Task", "a")], "other")), "the training data has changed");
        StringAssert.Contains(Refusal(plain.With([], "hash").With([new("Learned", "b", true)])), "Task was a and is now not set");
        StringAssert.Contains(Refusal(plain.With([new("Learned", "d", true)])), "Learned was b and is now d");
        known.Require(plain.With([new("Task", "a"), new("Learned", null, true)], "hash"), "checkpoint");
        plain.With([new("Task", "a")], "hash").Require(known, "checkpoint");

        string Refusal(Fingerprint asked) =>
            Assert.ThrowsExactly<InvalidOperationException>(() => known.Require(asked, "checkpoint")).Message;
    }

    public static IEnumerable<object[]> Classes => typeof(TrainingOptions).Assembly.GetTypes()
        .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(TrainingOptions))).Select(type => new object[] { type });

    [TestMethod]
    [DynamicData(nameof(Classes))]
    public void EveryOptionIsInTheFingerprintOrMarkedWithAReason(Type options)
    {
        Fingerprint fingerprint = Fingerprint.Of((TrainingOptions)Activator.CreateInstance(options)!, seed: 1);
        foreach (PropertyInfo property in options.GetProperties())
        {
            string? reason = property.GetCustomAttribute<NotInFingerprintAttribute>()?.Reason;
            Assert.AreEqual(reason is null, fingerprint.Settings.ContainsKey(property.Name), property.Name);
            Assert.AreNotEqual("", reason, property.Name);
        }
    }

    [TestMethod]
    public void WhatDecidesTheCurveIsNotMarked()
    {
        string[] common =
        [
            "AttentionDropout", "BatchSize", "Beta1", "Beta2", "ClipWithPreviousNorm", "ContextLength", "DecaySteps", "Deterministic",
            "DocumentBoundaries", "Dropout", "EarlyStoppingPatience", "Epsilon", "EvaluationBatches", "EvaluationInterval",
            "FinalLearningRate", "FreezeEmbedding", "FrozenLayerCount", "GradientAccumulationSteps", "LearningRate", "MaxEpochs",
            "MaxGradNorm", "MaxSteps", "OptimizerPlacement", "OutlierFactor", "OverfitOneBatch", "Precision", "Schedule",
            "ValidationFraction", "WarmupSteps", "WeightDecay",
        ];
        CollectionAssert.AreEquivalent(
            (string[])[.. common, "LabelSmoothing"], Fingerprint.Of(new ReversibleLmTrainer.Options(), seed: 1).Settings.Keys.ToArray());
        CollectionAssert.AreEquivalent(
            (string[])
            [
                .. common, "Divergence", "JensenShannonWeight", "Temperature", "CrossEntropyWeight", "HiddenStateWeight",
            ],
            Fingerprint.Of(new RetrofitEstimator.Options(), seed: 1).Settings.Keys.ToArray());
    }

    private static void Compare(Numbers asked) =>
        Fingerprint.Of(new Numbers(), seed: 1).Require(Fingerprint.Of(asked, seed: 1), "checkpoint");
}
