namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Creates an evaluator of a model on a zero-shot task.</summary>
    /// <param name="model">A <see cref="ReversibleLmTransformer"/>, or another source of log-likelihoods.</param>
    /// <param name="task">The task, one of <see cref="ZeroShotTasks"/> or a custom one.</param>
    /// <param name="scoreColumnName">The column with the log-likelihood of each choice.</param>
    /// <param name="predictedLabelColumnName">The column with the index of the most likely choice.</param>
    /// <exception cref="ArgumentException">A column's name is missing or occurs twice.</exception>
    public ZeroShotEvaluator ZeroShot(
        ILogLikelihoodSource model, ZeroShotTask task, string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel") =>
        ZeroShot(model, task, new() { ScoreColumnName = scoreColumnName, PredictedLabelColumnName = predictedLabelColumnName });

    /// <summary>Creates an evaluator of a model on a zero-shot task.</summary>
    /// <param name="model">A <see cref="ReversibleLmTransformer"/>, or another source of log-likelihoods.</param>
    /// <param name="task">The task, one of <see cref="ZeroShotTasks"/> or a custom one.</param>
    /// <param name="options">The options of the evaluation; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public ZeroShotEvaluator ZeroShot(ILogLikelihoodSource model, ZeroShotTask task, ZeroShotEvaluator.Options options)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(_context, model, task, options);
    }

    /// <summary>
    /// Creates an evaluator, on a zero-shot task, of the model that is trained before it in a chain:
    /// <c>trainer.Append(mlContext.Reversible().ZeroShot(task)).Fit(data)</c>, where the data has the text to train on and the task's
    /// columns. Other evaluators may stand between them.
    /// </summary>
    /// <param name="task">The task, one of <see cref="ZeroShotTasks"/> or a custom one.</param>
    /// <param name="options">The options of the evaluation; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public ZeroShotEvaluator ZeroShot(ZeroShotTask task, ZeroShotEvaluator.Options? options = null) =>
        new(_context, source: null, task, options ?? new());
}
