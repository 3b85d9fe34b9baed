using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Retrofit;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>Tests that a single option can have any legal value while all others have their defaults.</summary>
[TestClass]
public sealed class SingleOptionTests
{
    private static readonly MLContext Ml = new(seed: 1);

    private static readonly Dictionary<string, object?[]> _ofTraining = new()
    {
        [nameof(TrainingOptions.Device)] = [null, "cpu", "cuda", "cuda:1"],
        [nameof(TrainingOptions.Precision)] = All<Precision>(),
        [nameof(TrainingOptions.BackwardMode)] = [null, .. All<BackwardMode>()],
        [nameof(TrainingOptions.KeptLayerCount)] = [0, 1, 4],
        [nameof(TrainingOptions.Arithmetic)] = [null, Arithmetic.Exact],
        [nameof(TrainingOptions.Deterministic)] = [false, true],
        [nameof(TrainingOptions.Seed)] = [null, int.MinValue, 0, int.MaxValue],
        [nameof(TrainingOptions.ValidationFraction)] = [double.Epsilon, 0.01, 0.999],
        [nameof(TrainingOptions.BatchSize)] = [1, 3, 1 << 23],
        [nameof(TrainingOptions.GradientAccumulationSteps)] = [1, 2, int.MaxValue],
        [nameof(TrainingOptions.MaxSteps)] = [null, 1, 2, 50, 99, 101, int.MaxValue],
        [nameof(TrainingOptions.MaxEpochs)] = [null, double.Epsilon, 0.5, 3.0, double.MaxValue],
        [nameof(TrainingOptions.LearningRate)] = [null, double.Epsilon, 1e-30, 1e-5, 3e-4, 1.0, double.MaxValue],
        [nameof(TrainingOptions.Schedule)] = All<LearningRateScheduleKind>(),
        [nameof(TrainingOptions.FinalLearningRate)] = [null, 0.0, double.Epsilon, 1e-5, 3e-4],
        [nameof(TrainingOptions.WarmupSteps)] = [null, 0, 1, 499, 500],
        [nameof(TrainingOptions.DecaySteps)] = [null, 1, 499, 500],
        [nameof(TrainingOptions.WeightDecay)] = [0.0, 0.1, double.MaxValue],
        [nameof(TrainingOptions.Beta1)] = [0.0, 0.5, 1 - 1e-16],
        [nameof(TrainingOptions.Beta2)] = [0.0, 0.5, 1 - 1e-16],
        [nameof(TrainingOptions.Epsilon)] = [double.Epsilon, 1e-5, double.MaxValue],
        [nameof(TrainingOptions.MaxGradNorm)] = [0.0, double.Epsilon, double.MaxValue],
        [nameof(TrainingOptions.OptimizerPlacement)] = All<OptimizerPlacement>(),
        [nameof(TrainingOptions.ClipWithPreviousNorm)] = [null, true],
        [nameof(TrainingOptions.OutlierFactor)] = [0.0, 1.0001, double.MaxValue],
        [nameof(TrainingOptions.MaxSkippedSteps)] = [1, int.MaxValue],
        [nameof(TrainingOptions.OverfitOneBatch)] = [false, true],
        [nameof(TrainingOptions.EvaluationInterval)] = [1, 7, int.MaxValue],
        [nameof(TrainingOptions.EvaluationBatches)] = [1, int.MaxValue],
        [nameof(TrainingOptions.EarlyStoppingPatience)] = [0, 1, int.MaxValue],
        [nameof(TrainingOptions.ReturnBest)] = [false, true],
        [nameof(TrainingOptions.ReportInterval)] = [1, int.MaxValue],
        [nameof(TrainingOptions.MetricsPath)] = [null, "metrics"],
        [nameof(TrainingOptions.TensorBoardFolder)] = [null, "board"],
        [nameof(TrainingOptions.CheckpointFolder)] = [null, "run"],
        [nameof(TrainingOptions.CheckpointInterval)] = [1, int.MaxValue],
        [nameof(TrainingOptions.CheckpointsKept)] = [1, int.MaxValue],
        [nameof(TrainingOptions.Resume)] = All<ResumeMode>(),
        [nameof(TrainingOptions.DamagedCheckpoint)] = All<DamagedCheckpoint>(),
        [nameof(TrainingOptions.Progress)] = [null, new Progress<TrainingProgress>()],
        [nameof(TrainingOptions.CancellationToken)] = [CancellationToken.None, new CancellationToken(canceled: true)],
        [nameof(LanguageTrainingOptions.TextColumnName)] = ["Other"],
        [nameof(LanguageTrainingOptions.LogLikelihoodColumnName)] = ["Other"],
        [nameof(LanguageTrainingOptions.TokenCountColumnName)] = ["Other"],
        [nameof(LanguageTrainingOptions.PerplexityColumnName)] = ["Other"],
        [nameof(LanguageTrainingOptions.ContextLength)] = [1, 7, 4096, 1 << 26],
        [nameof(LanguageTrainingOptions.Tokenizer)] = [null, new LetterTokenizer()],
        [nameof(LanguageTrainingOptions.TokenizerPath)] = [null, "tokenizer.json"],
        [nameof(LanguageTrainingOptions.EndOfTextId)] = [null, 0, int.MaxValue],
        [nameof(LanguageTrainingOptions.TokenCachePath)] = [null, "tokens"],
        [nameof(LanguageTrainingOptions.DocumentBoundaries)] = All<DocumentBoundaries>(),
        [nameof(LanguageTrainingOptions.FreezeEmbedding)] = [false, true],
        [nameof(LanguageTrainingOptions.FrozenLayerCount)] = [0, 1, 6],
        [nameof(LanguageTrainingOptions.Dropout)] = [0.0, 0.1, 1 - 1e-16],
        [nameof(LanguageTrainingOptions.AttentionDropout)] = [0.0, 0.1, 1 - 1e-16],
        [nameof(LanguageTrainingOptions.TokenizationProgress)] = [null, new Progress<TokenizationProgress>()],
    };

    private static readonly Dictionary<string, object?[]> _ofTheTrainer = new(_ofTraining)
    {
        [nameof(TrainingOptions.Arithmetic)] = [null, .. All<Arithmetic>()],
        [nameof(TrainingOptions.ValidationFraction)] = [0.0, double.Epsilon, 0.999],
        [nameof(TrainingOptions.FinalLearningRate)] = [null, 0.0, double.Epsilon, 1e-3],
        [nameof(TrainingOptions.WarmupSteps)] = [null, 0, 1, 999, 1000],
        [nameof(TrainingOptions.DecaySteps)] = [null, 1, 999, 1000],
        [nameof(ReversibleLmTrainer.Options.PretrainedFolder)] = [null, "model"],
        [nameof(ReversibleLmTrainer.Options.Family)] = All<ModelFamily>(),
        [nameof(ReversibleLmTrainer.Options.Scheme)] =
        [
            Scheme.Residual, Scheme.Midpoint, Scheme.Leapfrog, Scheme.Hamiltonian, Scheme.Bdia, Scheme.IteratedInverse, Scheme.MidpointA,
            new Midpoint(0.25), Bdia.Blend(2), Bdia.Blend(64),
        ],
        [nameof(ReversibleLmTrainer.Options.LayerCount)] = [1, 2, 100],
        [nameof(ReversibleLmTrainer.Options.HeadCount)] = [null, 1, 2, 4, 8, 12, 192],
        [nameof(ReversibleLmTrainer.Options.KeyValueHeadCount)] = [null, 1, 2, 3, 4, 6, 8, 12],
        [nameof(ReversibleLmTrainer.Options.Width)] = [1, 2, 7, 32, 64, 100, 257, 768, 4096],
        [nameof(ReversibleLmTrainer.Options.MlpWidth)] = [null, 1, 1000],
        [nameof(ReversibleLmTrainer.Options.Activation)] = All<Activation>(),
        [nameof(ReversibleLmTrainer.Options.TiedHead)] = [false, true],
        [nameof(ReversibleLmTrainer.Options.Tokenization)] = All<TextTokenization>(),
        [nameof(ReversibleLmTrainer.Options.VocabularySize)] = [1, 257, int.MaxValue],
        [nameof(ReversibleLmTrainer.Options.LabelSmoothing)] = [0.0, 0.1, 1 - 1e-16],
    };

    private static readonly Dictionary<string, object?[]> _ofTheRetrofit = new(_ofTraining)
    {
        [nameof(RetrofitEstimator.Options.TeacherPath)] = ["other"],
        [nameof(RetrofitEstimator.Options.Teacher)] = [null, Retrofits.Teacher],
        [nameof(RetrofitEstimator.Options.TeacherDevice)] = [null, "cpu", "cuda:1"],
        [nameof(RetrofitEstimator.Options.TeacherPrecision)] = All<Precision>(),
        [nameof(RetrofitEstimator.Options.StudentPath)] = [null, "student"],
        [nameof(RetrofitEstimator.Options.Scheme)] =
        [
            Scheme.Midpoint, Scheme.Leapfrog, Scheme.Hamiltonian, Scheme.Bdia, Scheme.IteratedInverse, Bdia.Blend(2), Bdia.Blend(64),
            new Midpoint(0.25), new Leapfrog(2),
        ],
        [nameof(RetrofitEstimator.Options.ChooseScheme)] = [false, true],
        [nameof(RetrofitEstimator.Options.MaxRemainderGiB)] = [null, 0.0, double.MaxValue],
        [nameof(RetrofitEstimator.Options.MaxRelativeCost)] = [null, 1.0, double.MaxValue],
        [nameof(RetrofitEstimator.Options.SearchStepSize)] = [null, false, true],
        [nameof(RetrofitEstimator.Options.ReportWindows)] = [1, int.MaxValue],
        [nameof(RetrofitEstimator.Options.Distill)] = [null, false, true],
        [nameof(RetrofitEstimator.Options.Divergence)] = All<Divergence>(),
        [nameof(RetrofitEstimator.Options.JensenShannonWeight)] = [double.Epsilon, 0.9],
        [nameof(RetrofitEstimator.Options.Temperature)] = [double.Epsilon, 2.0, double.MaxValue],
        [nameof(RetrofitEstimator.Options.CrossEntropyWeight)] = [0.0, 0.5, 1.0],
        [nameof(RetrofitEstimator.Options.HiddenStateWeight)] = [0.0, 1.0, double.MaxValue],
        [nameof(RetrofitEstimator.Options.LayerMap)] = [null, new LayerPair[] { new(1, 1) }],
        [nameof(RetrofitEstimator.Options.TeacherTopK)] = [0, 1, int.MaxValue],
        [nameof(RetrofitEstimator.Options.TeacherCachePath)] = [null, "answers"],
        [nameof(RetrofitEstimator.Options.ReportProgress)] = [null, new Progress<RetrofitReport>()],
    };

    /// <summary>What makes an option have an effect, where it has none by default.</summary>
    private static readonly Dictionary<string, Action<TrainingOptions>> _needed = new()
    {
        [nameof(TrainingOptions.Deterministic)] = o => o.Device = "cuda",
        [nameof(TrainingOptions.DecaySteps)] = o => o.Schedule = LearningRateScheduleKind.WarmupStableDecay,
        [nameof(TrainingOptions.ClipWithPreviousNorm)] = o => o.OptimizerPlacement = OptimizerPlacement.InsideBackward,
        [nameof(TrainingOptions.ReturnBest)] = o => o.CheckpointFolder = "run",
        [nameof(TrainingOptions.CheckpointInterval)] = o => o.CheckpointFolder = "run",
        [nameof(TrainingOptions.CheckpointsKept)] = o => o.CheckpointFolder = "run",
        [nameof(TrainingOptions.Resume)] = o => o.CheckpointFolder = "run",
        [nameof(TrainingOptions.DamagedCheckpoint)] = o => o.CheckpointFolder = "run",
        [nameof(ReversibleLmTrainer.Options.KeyValueHeadCount)] = o => ((ReversibleLmTrainer.Options)o).Family = ModelFamily.Llama,
        [nameof(RetrofitEstimator.Options.Teacher)] =
            o => ((RetrofitEstimator.Options)o).TeacherPath = ((RetrofitEstimator.Options)o).Teacher is null ? "teacher" : null,
        [nameof(RetrofitEstimator.Options.MaxRemainderGiB)] = o => ((RetrofitEstimator.Options)o).ChooseScheme = true,
        [nameof(RetrofitEstimator.Options.MaxRelativeCost)] = o => ((RetrofitEstimator.Options)o).ChooseScheme = true,
        [nameof(RetrofitEstimator.Options.SearchStepSize)] = o => ((RetrofitEstimator.Options)o).Scheme = Scheme.Leapfrog,
        [nameof(RetrofitEstimator.Options.JensenShannonWeight)] =
            o => ((RetrofitEstimator.Options)o).Divergence = Divergence.JensenShannon,
        [nameof(RetrofitEstimator.Options.LayerMap)] = o => ((RetrofitEstimator.Options)o).HiddenStateWeight = 1,
        [nameof(RetrofitEstimator.Options.TeacherCachePath)] = o => ((RetrofitEstimator.Options)o).TeacherTopK = 1,
    };

    public static IEnumerable<object[]> OfTheTrainer => _ofTheTrainer.Keys.Select(option => new object[] { option });

    public static IEnumerable<object[]> OfTheRetrofit => _ofTheRetrofit.Keys.Select(option => new object[] { option });

    [TestMethod]
    public void EveryOptionHasValues()
    {
        AssertNames(typeof(ReversibleLmTrainer.Options), _ofTheTrainer);
        AssertNames(typeof(RetrofitEstimator.Options), _ofTheRetrofit);

        static void AssertNames(Type type, Dictionary<string, object?[]> values) =>
            CollectionAssert.AreEquivalent(type.GetProperties().Select(property => property.Name).ToArray(), values.Keys);
    }

    [TestMethod]
    [DynamicData(nameof(OfTheTrainer))]
    public void ATrainerTakesEachValueOfAnOptionBesideTheDefaults(string option)
    {
        foreach (object? value in _ofTheTrainer[option])
        {
            ReversibleLmTrainer.Options options = With(new ReversibleLmTrainer.Options(), option, value);
            Ml.Reversible().LanguageModel(options);
            if (options.PretrainedFolder is null) options.ConfigurationFor(vocabularySize: 300).Check();
            RequireSchedule(options);
        }
    }

    [TestMethod]
    [DynamicData(nameof(OfTheRetrofit))]
    public void ARetrofitTakesEachValueOfAnOptionBesideTheDefaults(string option)
    {
        foreach (object? value in _ofTheRetrofit[option])
        {
            RetrofitEstimator.Options options = With(new RetrofitEstimator.Options { TeacherPath = "teacher" }, option, value);
            Ml.Reversible().Retrofit(options);
            RequireSchedule(options);
        }
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(10)]
    [DataRow(64)]
    [DataRow(90)]
    [DataRow(256)]
    public void ALlamaTakesEachEvenWidth(int width) =>
        Ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options { Family = ModelFamily.Llama, Width = width });

    [TestMethod]
    [DataRow(100)]
    [DataRow(512)]
    public void TheMethodOfTheCatalogTakesEachWidth(int width) => Ml.Reversible().LanguageModel(width: width);

    private static T With<T>(T options, string option, object? value) where T : TrainingOptions
    {
        typeof(T).GetProperty(option)!.SetValue(options, value);
        if (_needed.TryGetValue(option, out Action<TrainingOptions>? need)) need(options);
        return options;
    }

    /// <summary>Asserts that what is derived is legal, for a run of one step and for a long one.</summary>
    private static void RequireSchedule(TrainingOptions options)
    {
        foreach (long examples in new[] { 1L, 1_000_000L })
        {
            if (options.MaxEpochs is > 1e9) continue;
            TrainingOptions resolved = options.WithStepsOf(examples);
            int steps = resolved.EffectiveMaxSteps!.Value, warmup = resolved.EffectiveWarmupSteps!.Value;
            Assert.IsTrue(warmup >= 0 && warmup <= steps, $"warm-up {warmup} of {steps} steps");
            Assert.IsTrue(resolved.EffectiveDecaySteps is >= 1 && (warmup == steps || resolved.EffectiveDecaySteps <= steps - warmup));
            Assert.IsTrue(resolved.EffectiveFinalLearningRate >= 0 && resolved.EffectiveFinalLearningRate <= options.EffectiveLearningRate);
        }
    }

    private static object?[] All<T>() where T : struct, Enum => [.. Enum.GetValues<T>().Select(value => (object?)value)];
}
