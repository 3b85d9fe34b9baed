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
    /// <param name="maxSteps">
    /// Optimizer steps of the distillation, at least 0; 0 converts the model without training. Null is 500 if the scheme needs a
    /// distillation or <paramref name="learningRate"/> is given, otherwise 0.
    /// </param>
    /// <param name="learningRate">
    /// The learning rate after the warm-up, positive; it falls to a tenth along half a cosine. Null is 3e-4. Without
    /// training, another value is refused.
    /// </param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public RetrofitEstimator Retrofit(
        string teacherPath,
        string textColumnName = "Text",
        Scheme? scheme = null,
        int contextLength = 128,
        int batchSize = 8,
        int? maxSteps = null,
        double? learningRate = null)
    {
        var options = new RetrofitEstimator.Options { TeacherPath = teacherPath };
        if (scheme is not null) options.Scheme = scheme;
        (options.TextColumnName, options.ContextLength, options.BatchSize) = (textColumnName, contextLength, batchSize);
        if (learningRate is { } rate) options.LearningRate = rate;
        if (maxSteps == 0) options.Distill = false;
        else if (maxSteps is not null || learningRate is not null) (options.MaxSteps, options.Distill) = (maxSteps, true);
        return Retrofit(options);
    }

    /// <summary>Creates an estimator that converts a trained model to a reversible one and distils it on text or token ids.</summary>
    /// <param name="options">The options of the conversion; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public RetrofitEstimator Retrofit(RetrofitEstimator.Options options) => new(_context, options);
}
