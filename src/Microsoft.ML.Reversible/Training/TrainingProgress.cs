namespace Microsoft.ML.Reversible;

/// <summary>Where a training run stands.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="MaxSteps">Steps in all.</param>
/// <param name="Tokens">Tokens trained on so far.</param>
/// <param name="Loss">Mean loss of this step's tokens, nats.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="GradNorm">The global norm of the gradients before clipping.</param>
/// <param name="TokensPerSecond">Tokens trained on a second since the last report, evaluation not counted.</param>
/// <param name="ValidationLoss">Mean loss on held-out tokens, nats, where this step was followed by an evaluation; else null.</param>
public sealed record TrainingProgress(
    int Step,
    int MaxSteps,
    long Tokens,
    double Loss,
    double LearningRate,
    double GradNorm,
    double TokensPerSecond,
    double? ValidationLoss);
