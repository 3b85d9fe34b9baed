namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>
    /// Creates an estimator that converts a trained model to a reversible one and distils it, with the most common arguments.
    /// </summary>
    /// <param name="teacherPath">The folder of the trained model, in Hugging Face's layout, of any <see cref="ModelFamily"/>.</param>
    /// <param name="textColumnName">The text column to distil on.</param>
    /// <param name="scheme">The recurrence over the layers; null is <see cref="Bdia.Blend"/> with 1/16.</param>
    /// <param name="contextLength">Tokens in a window, at least 1 and at most the model's context length.</param>
    /// <param name="batchSize">Windows in a batch, at least 1.</param>
    /// <param name="maxSteps">Optimizer steps, at least 0; 0 converts the model without training.</param>
    /// <param name="learningRate">
    /// The learning rate after the warm-up, positive; it falls to a tenth along half a cosine. Without training, a value other than the
    /// default is refused.
    /// </param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public RetrofitEstimator Retrofit(
        string teacherPath,
        string textColumnName = "Text",
        Scheme? scheme = null,
        int contextLength = 128,
        int batchSize = 8,
        int maxSteps = 500,
        double learningRate = 3e-4)
    {
        var options = new RetrofitEstimator.Options { TeacherPath = teacherPath, Distill = maxSteps != 0 };
        if (scheme is not null) options.Scheme = scheme;
        (options.TextColumnName, options.ContextLength, options.BatchSize) = (textColumnName, contextLength, batchSize);
        options.LearningRate = learningRate;
        if (maxSteps != 0)
            (options.MaxSteps, options.WarmupSteps, options.FinalLearningRate) =
                (maxSteps, Math.Clamp(maxSteps / 10, 0, 50), learningRate / 10);
        return Retrofit(options);
    }

    /// <summary>Creates an estimator that converts a trained model to a reversible one and distils it on text or token ids.</summary>
    /// <param name="options">The options of the conversion; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public RetrofitEstimator Retrofit(RetrofitEstimator.Options options) => new(_context, options);
}
