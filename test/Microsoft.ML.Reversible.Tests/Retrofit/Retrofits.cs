namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>A small trained teacher, and options of short retrofits of it.</summary>
internal static class Retrofits
{
    private static readonly Lazy<ReversibleLmTransformer> _teacher = new(() => Corpus.Train(new MLContext(seed: 1), o =>
    {
        (o.Scheme, o.LayerCount, o.MaxSteps) = (Scheme.Parse("residual"), 4, 120);
    }));

    /// <summary>A residual GPT that has learned <see cref="Corpus.Rows"/>; nobody may dispose of it.</summary>
    public static ReversibleLmTransformer Teacher => _teacher.Value;

    /// <summary>Options of twenty steps, or of none without distillation.</summary>
    public static RetrofitEstimator.Options Options(Action<RetrofitEstimator.Options>? change = null)
    {
        var options = new RetrofitEstimator.Options { Teacher = Teacher, ReportWindows = 20 };
        (options.ContextLength, options.BatchSize, options.MaxSteps, options.WarmupSteps) = (16, 4, 20, 2);
        (options.LearningRate, options.FinalLearningRate, options.Seed) = (2e-3, 2e-4, 3);
        change?.Invoke(options);
        if (options.Distill != false) return options;
        RetrofitEstimator.Options plain = new();
        (options.MaxSteps, options.WarmupSteps, options.Seed) = (plain.MaxSteps, plain.WarmupSteps, plain.Seed);
        (options.LearningRate, options.FinalLearningRate) = (plain.LearningRate, plain.FinalLearningRate);
        return options;
    }

    /// <summary>Retrofits the teacher on <see cref="Corpus.Rows"/>.</summary>
    public static ReversibleLmTransformer Fit(Action<RetrofitEstimator.Options>? change = null)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        return ml.Reversible().Retrofit(Options(change)).Fit(Corpus.View(ml, Corpus.Rows));
    }
}
