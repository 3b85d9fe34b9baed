using System.Globalization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Checks a trainer's options when it is made; each failure names the option and its legal range.</summary>
internal static class OptionChecks
{
    /// <summary>Checks ranges first, and then that nothing was set that has no effect.</summary>
    /// <param name="o">The options.</param>
    /// <param name="defaults">What they are where nothing is set.</param>
    /// <param name="asksForGpu">Whether the run is to compute on a GPU.</param>
    /// <exception cref="ArgumentException">An option is missing, does not go with another, or has no effect beside it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void Check(this ReversibleLmTrainer.Options o, ReversibleLmTrainer.Options defaults, bool asksForGpu)
    {
        CheckColumns(o);
        CheckModel(o);
        CheckData(o);
        CheckOptimization(o);
        CheckRun(o);
        UnusedOption.RefuseChanged(o, defaults, UnusedTrainerOptions.Of(o, asksForGpu));
    }

    /// <summary>Checks what depends on the kind of the column.</summary>
    /// <param name="o">The options, checked.</param>
    /// <param name="isText">Whether the column is text, not token ids.</param>
    /// <exception cref="ArgumentException">An option was set that has no effect for such a column.</exception>
    /// <exception cref="ArgumentOutOfRangeException">BPE is to learn fewer tokens than there are bytes.</exception>
    public static void CheckColumn(this ReversibleLmTrainer.Options o, bool isText)
    {
        UnusedOption.RefuseChanged(o, new(), UnusedTrainerOptions.Of(o, asksForGpu: true, isText));
        bool learns = isText && o.Tokenizer is null && o.TokenizerPath is null && o.PretrainedFolder is null;
        if (learns && o.Tokenization == TextTokenization.Bpe) AtLeast(257, o.VocabularySize, nameof(o.VocabularySize));
    }

    private static void CheckColumns(ReversibleLmTrainer.Options o)
    {
        Named(o.TextColumnName, nameof(o.TextColumnName));
        Named(o.LogLikelihoodColumnName, nameof(o.LogLikelihoodColumnName));
        Named(o.TokenCountColumnName, nameof(o.TokenCountColumnName));
        Named(o.PerplexityColumnName, nameof(o.PerplexityColumnName));
        string[] outputs = [o.LogLikelihoodColumnName, o.TokenCountColumnName, o.PerplexityColumnName];
        if (outputs.Distinct().Count() < outputs.Length)
            throw new ArgumentException($"The output columns must have different names, not {string.Join(", ", outputs)}.");
    }

    private static void CheckModel(ReversibleLmTrainer.Options o)
    {
        ArgumentNullException.ThrowIfNull(o.Scheme);
        Defined(o.Family, nameof(o.Family));
        Defined(o.Activation, nameof(o.Activation));
        Defined(o.Precision, nameof(o.Precision));
        if (o.WayBack is { } wayBack) Defined(wayBack, nameof(o.WayBack));
        if (o.Arithmetic is { } arithmetic) Defined(arithmetic, nameof(o.Arithmetic));
        AtLeast(0, o.KeptLayerCount, nameof(o.KeptLayerCount));
        AtLeast(1, o.ContextLength, nameof(o.ContextLength));
        AtLeast(0, o.FrozenLayerCount, nameof(o.FrozenLayerCount));
        NotBlank(o.PretrainedFolder, nameof(o.PretrainedFolder));
        if (o.PretrainedFolder is not null) return;

        o.Scheme.CheckName();
        o.Scheme.CheckParameters(o.EffectiveArithmetic);
        if (o.CheckpointFolder is not null) o.Scheme.CheckText();
        LayerStack.Check(o.Scheme, o.EffectiveWayBack, o.EffectiveArithmetic);
        int functions = o.LayerCount * o.Scheme.FunctionsPerBlock;
        Require(
            o.KeptLayerCount <= functions, nameof(o.KeptLayerCount), o.KeptLayerCount, $"within [0, {functions}], the model's functions");
        o.ConfigurationFor(vocabularySize: 1).Check();
    }

    private static void CheckData(ReversibleLmTrainer.Options o)
    {
        Defined(o.Tokenization, nameof(o.Tokenization));
        Defined(o.DocumentBoundaries, nameof(o.DocumentBoundaries));
        AtLeast(1, o.VocabularySize, nameof(o.VocabularySize));
        NotBlank(o.TokenizerPath, nameof(o.TokenizerPath));
        NotBlank(o.TokenCachePath, nameof(o.TokenCachePath));
        if (o is { Tokenizer: not null, TokenizerPath: not null })
            throw new ArgumentException("Tokenizer and TokenizerPath must not both be given.", nameof(o.TokenizerPath));
        if (o.EndOfTextId is { } id) AtLeast(0, id, nameof(o.EndOfTextId));
        Require(o.ValidationFraction is >= 0 and < 1, nameof(o.ValidationFraction), o.ValidationFraction, "within [0, 1)");
    }

    private static void CheckOptimization(ReversibleLmTrainer.Options o)
    {
        AtLeast(1, o.BatchSize, nameof(o.BatchSize));
        Require((long)o.BatchSize * o.ContextLength <= 1 << 30, nameof(o.BatchSize), o.BatchSize,
            $"so small that BatchSize times ContextLength, which is {o.ContextLength}, is at most 2^30 tokens");
        AtLeast(1, o.GradientAccumulationSteps, nameof(o.GradientAccumulationSteps));
        AtLeast(1, o.MaxSteps, nameof(o.MaxSteps));
        Positive(o.LearningRate, nameof(o.LearningRate));
        Defined(o.Schedule, nameof(o.Schedule));
        if (o.Schedule != LearningRateScheduleKind.Constant)
            Require(o.FinalLearningRate >= 0 && o.FinalLearningRate <= o.LearningRate, nameof(o.FinalLearningRate), o.FinalLearningRate,
                string.Create(CultureInfo.InvariantCulture, $"within [0, LearningRate], which is {o.LearningRate}"));
        Require(o.WarmupSteps >= 0 && o.WarmupSteps <= o.MaxSteps, nameof(o.WarmupSteps), o.WarmupSteps,
            $"within [0, MaxSteps], which is {o.MaxSteps}");
        if (o.DecaySteps is { } decay)
            Require(decay >= 1 && decay <= o.MaxSteps - o.WarmupSteps, nameof(o.DecaySteps), decay,
                $"at least 1 and at most MaxSteps less WarmupSteps, which is {o.MaxSteps - o.WarmupSteps}");
        NotNegative(o.WeightDecay, nameof(o.WeightDecay));
        Require(o.Beta1 is >= 0 and < 1, nameof(o.Beta1), o.Beta1, "within [0, 1)");
        Require(o.Beta2 is >= 0 and < 1, nameof(o.Beta2), o.Beta2, "within [0, 1)");
        Positive(o.Epsilon, nameof(o.Epsilon));
        NotNegative(o.MaxGradNorm, nameof(o.MaxGradNorm));
        Require(o.LabelSmoothing is >= 0 and < 1, nameof(o.LabelSmoothing), o.LabelSmoothing, "within [0, 1)");
        Defined(o.OptimizerPlacement, nameof(o.OptimizerPlacement));
        Require(o.OutlierFactor == 0 || (o.OutlierFactor > 1 && double.IsFinite(o.OutlierFactor)), nameof(o.OutlierFactor), o.OutlierFactor,
            "above 1 and finite, or 0 (which skips none for its size)");
        AtLeast(1, o.MaxSkippedSteps, nameof(o.MaxSkippedSteps));
        var conflict = ParameterUpdate.Conflict(
            o.OptimizerPlacement, o.MaxGradNorm, o.ClipWithPreviousNorm, o.GradientAccumulationSteps, o.OutlierFactor);
        if (conflict is var (message, option)) throw new ArgumentException(message, option);
    }

    private static void CheckRun(ReversibleLmTrainer.Options o)
    {
        AtLeast(1, o.EvaluationInterval, nameof(o.EvaluationInterval));
        AtLeast(1, o.EvaluationBatches, nameof(o.EvaluationBatches));
        AtLeast(1, o.ReportInterval, nameof(o.ReportInterval));
        AtLeast(1, o.CheckpointInterval, nameof(o.CheckpointInterval));
        AtLeast(1, o.CheckpointsKept, nameof(o.CheckpointsKept));
        AtLeast(0, o.EarlyStoppingPatience, nameof(o.EarlyStoppingPatience));
        Defined(o.Resume, nameof(o.Resume));
        Defined(o.DamagedCheckpoint, nameof(o.DamagedCheckpoint));
        NotBlank(o.MetricsPath, nameof(o.MetricsPath));
        NotBlank(o.CheckpointFolder, nameof(o.CheckpointFolder));
    }

    internal static void Named(string name, string option)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new ArgumentException($"{option} must name a column.", option);
    }

    internal static void NotBlank(string? path, string option)
    {
        if (path is not null && string.IsNullOrWhiteSpace(path)) throw new ArgumentException($"{option} must be a path, or null.", option);
    }

    internal static void Defined<T>(T value, string option) where T : struct, Enum =>
        Require(Enum.IsDefined(value), option, value, $"one of {string.Join(", ", Enum.GetNames<T>())}");

    internal static void AtLeast(int least, int value, string option) => Require(value >= least, option, value, $"at least {least}");

    internal static void Positive(double value, string option) =>
        Require(value > 0 && double.IsFinite(value), option, value, "positive and finite");

    internal static void NotNegative(double value, string option) =>
        Require(value >= 0 && double.IsFinite(value), option, value, "at least 0 and finite");

    internal static void Require(bool condition, string option, object value, string range)
    {
        if (!condition) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {range}.");
    }
}
