namespace Microsoft.ML.Reversible.Training;

/// <summary>Checks a trainer's options when it is made; each failure names the option and its legal range.</summary>
internal static class OptionChecks
{
    /// <exception cref="ArgumentException">An option is missing or does not go with another.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void Check(this ReversibleLmTrainer.Options o)
    {
        Named(o.TextColumnName, nameof(o.TextColumnName));
        Named(o.LogLikelihoodColumnName, nameof(o.LogLikelihoodColumnName));
        Named(o.TokenCountColumnName, nameof(o.TokenCountColumnName));
        Named(o.PerplexityColumnName, nameof(o.PerplexityColumnName));
        Distinct(o.LogLikelihoodColumnName, o.TokenCountColumnName, o.PerplexityColumnName);
        ArgumentNullException.ThrowIfNull(o.Scheme);
        LayerStack.Check(o.Scheme, o.EffectiveWayBack, o.EffectiveArithmetic);
        Defined(o.Activation, nameof(o.Activation));
        Defined(o.Tokenization, nameof(o.Tokenization));
        Defined(o.Precision, nameof(o.Precision));

        AtLeast(1, o.LayerCount, nameof(o.LayerCount));
        AtLeast(1, o.HeadCount, nameof(o.HeadCount));
        AtLeast(1, o.Width, nameof(o.Width));
        AtLeast(1, o.ContextLength, nameof(o.ContextLength));
        Require(o.Width % o.HeadCount == 0, nameof(o.HeadCount), o.HeadCount, $"a divisor of Width, which is {o.Width}");
        if (o.Tokenization == TextTokenization.Bpe) AtLeast(257, o.VocabularySize, nameof(o.VocabularySize));

        AtLeast(1, o.BatchSize, nameof(o.BatchSize));
        Require((long)o.BatchSize * o.ContextLength <= 1 << 30, nameof(o.BatchSize), o.BatchSize,
            $"so small that BatchSize times ContextLength, which is {o.ContextLength}, is at most 2^30 tokens");
        AtLeast(1, o.GradientAccumulationSteps, nameof(o.GradientAccumulationSteps));
        AtLeast(1, o.MaxSteps, nameof(o.MaxSteps));
        Require(o.LearningRate > 0 && double.IsFinite(o.LearningRate), nameof(o.LearningRate), o.LearningRate, "positive and finite");
        Require(o.FinalLearningRate >= 0 && o.FinalLearningRate <= o.LearningRate, nameof(o.FinalLearningRate), o.FinalLearningRate,
            $"within [0, LearningRate], which is {o.LearningRate}");
        Require(o.WarmupSteps >= 0 && o.WarmupSteps <= o.MaxSteps, nameof(o.WarmupSteps), o.WarmupSteps,
            $"within [0, MaxSteps], which is {o.MaxSteps}");
        Require(o.WeightDecay >= 0 && double.IsFinite(o.WeightDecay), nameof(o.WeightDecay), o.WeightDecay, "at least 0 and finite");
        Require(o.Beta1 is >= 0 and < 1, nameof(o.Beta1), o.Beta1, "within [0, 1)");
        Require(o.Beta2 is >= 0 and < 1, nameof(o.Beta2), o.Beta2, "within [0, 1)");
        Require(o.Epsilon > 0 && double.IsFinite(o.Epsilon), nameof(o.Epsilon), o.Epsilon, "positive and finite");
        Require(o.MaxGradNorm >= 0 && double.IsFinite(o.MaxGradNorm), nameof(o.MaxGradNorm), o.MaxGradNorm,
            "at least 0 (which means not to clip) and finite");

        Require(o.ValidationFraction is >= 0 and < 1, nameof(o.ValidationFraction), o.ValidationFraction, "within [0, 1)");
        AtLeast(1, o.EvaluationInterval, nameof(o.EvaluationInterval));
        AtLeast(1, o.EvaluationBatches, nameof(o.EvaluationBatches));
        AtLeast(1, o.ReportInterval, nameof(o.ReportInterval));
        if (o.Device is not null) Devices.CheckName(o.Device);
    }

    private static void Named(string name, string option)
    {
        if (string.IsNullOrWhiteSpace(name)) throw new ArgumentException($"{option} must name a column.", option);
    }

    private static void Distinct(params string[] outputs)
    {
        if (outputs.Distinct().Count() < outputs.Length)
            throw new ArgumentException($"The output columns must have different names, not {string.Join(", ", outputs)}.");
    }

    private static void Defined<T>(T value, string option) where T : struct, Enum =>
        Require(Enum.IsDefined(value), option, value, $"one of {string.Join(", ", Enum.GetNames<T>())}");

    private static void AtLeast(int least, int value, string option) => Require(value >= least, option, value, $"at least {least}");

    private static void Require(bool condition, string option, object value, string range)
    {
        if (!condition) throw new ArgumentOutOfRangeException(option, value, $"{option} must be {range}.");
    }
}
