using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Checks a retrofit's options when it is made; each failure names the option and its legal range.</summary>
internal static class RetrofitChecks
{
    /// <param name="o">The options.</param>
    /// <param name="context">Says where to compute, where the options do not.</param>
    /// <exception cref="ArgumentException">An option is missing, does not go with another, or has no effect beside it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void Check(this RetrofitEstimator.Options o, MLContext context)
    {
        CheckModels(o);
        CheckScheme(o);
        CheckDistillation(o);
        AtLeast(1, o.ReportWindows, nameof(o.ReportWindows));
        var defaults = new RetrofitEstimator.Options();
        bool asksForGpu = Devices.AsksForGpu(o.Training.Device, context);
        UnusedOption.RefuseChanged(o, defaults, UnusedRetrofitOptions.Of(o));
        UnusedOption.RefuseChanged(
            o.Training, defaults.Training, UnusedRetrofitOptions.OfTraining(o, asksForGpu), nameof(o.Training) + ".");
        CheckTraining(o.Training, defaults.Training, asksForGpu);
    }

    private static void CheckModels(RetrofitEstimator.Options o)
    {
        NotBlank(o.TeacherPath, nameof(o.TeacherPath));
        NotBlank(o.StudentPath, nameof(o.StudentPath));
        if (o.TeacherPath is null == o.Teacher is null)
            throw new ArgumentException(
                "Give the teacher as a folder, TeacherPath, or as a model, Teacher: one of them.", nameof(o.TeacherPath));
        Defined(o.TeacherPrecision, nameof(o.TeacherPrecision));
        if (o.TeacherDevice is not null) Devices.CheckName(o.TeacherDevice);
    }

    private static void CheckScheme(RetrofitEstimator.Options o)
    {
        ArgumentNullException.ThrowIfNull(o.Scheme);
        if (o.MaxSideGiB is { } gib) NotNegative(gib, nameof(o.MaxSideGiB));
        if (o.MaxRelativeCost is { } cost)
            Require(cost >= 1 && double.IsFinite(cost), nameof(o.MaxRelativeCost), cost, "at least 1 and finite");
        if (o.StudentPath is not null || o.ChooseScheme) return;
        if (o.Scheme.WhyNoInverse is { } reason)
            throw new ArgumentException($"Scheme must be a reversible one, and '{o.Scheme}' is not: {reason}", nameof(o.Scheme));
        Arithmetic arithmetic = o.Training.Arithmetic ?? o.Scheme.DefaultArithmetic;
        o.Scheme.CheckName();
        o.Scheme.CheckParameters(arithmetic);
        LayerStack.Check(o.Scheme, o.Training.WayBack ?? WayBack.Reversible, arithmetic);
        if (o.SearchStepSize && UnusedRetrofitOptions.HasStepSize(o.Scheme)
            && o.Scheme with { Start = Start.Repeat } is var plain && plain != Scheme.Midpoint && plain != Scheme.Leapfrog)
            throw NamedStepSize(o.Scheme);
    }

    /// <summary>The refusal of a step size where one is searched for.</summary>
    public static ArgumentException NamedStepSize(Scheme scheme) => new(
        $"Scheme has no effect beyond its name, {scheme.Name}, where SearchStepSize is true. " +
        "Leave it out, or set SearchStepSize to false.", nameof(Scheme));

    private static void CheckDistillation(RetrofitEstimator.Options o)
    {
        Defined(o.Divergence, nameof(o.Divergence));
        Require(o.JensenShannonWeight is > 0 and < 1, nameof(o.JensenShannonWeight), o.JensenShannonWeight, "within (0, 1)");
        Positive(o.Temperature, nameof(o.Temperature));
        Require(o.CrossEntropyWeight is >= 0 and <= 1, nameof(o.CrossEntropyWeight), o.CrossEntropyWeight, "within [0, 1]");
        NotNegative(o.HiddenStateWeight, nameof(o.HiddenStateWeight));
        if (o.LayerMap is { Count: 0 })
            throw new ArgumentException("LayerMap must name a pair of layers, or be null for all of them.", nameof(o.LayerMap));
        AtLeast(0, o.TeacherTopK, nameof(o.TeacherTopK));
        NotBlank(o.TeacherCachePath, nameof(o.TeacherCachePath));
        if (o is { TeacherTopK: > 0, HiddenStateWeight: > 0 })
            throw new ArgumentException(
                "HiddenStateWeight needs the teacher at every step, which TeacherTopK does without: one of them must be 0.",
                nameof(o.HiddenStateWeight));
    }

    /// <summary>What the teacher decides must not be asked for otherwise.</summary>
    private static void CheckTraining(ReversibleLmTrainer.Options o, ReversibleLmTrainer.Options defaults, bool asksForGpu)
    {
        var plain = new ReversibleLmTrainer.Options();
        OfTheTeacher(o.PretrainedFolder is null, nameof(o.PretrainedFolder), "the teacher is named by TeacherPath");
        OfTheTeacher(o.Scheme == plain.Scheme, nameof(o.Scheme), "the scheme is an option of the retrofit itself");
        OfTheTeacher(o.Family == plain.Family, nameof(o.Family));
        OfTheTeacher(o.LayerCount == plain.LayerCount, nameof(o.LayerCount));
        OfTheTeacher(o.HeadCount == plain.HeadCount, nameof(o.HeadCount));
        OfTheTeacher(o.KeyValueHeadCount == plain.KeyValueHeadCount, nameof(o.KeyValueHeadCount));
        OfTheTeacher(o.Width == plain.Width, nameof(o.Width));
        OfTheTeacher(o.MlpWidth == plain.MlpWidth, nameof(o.MlpWidth));
        OfTheTeacher(o.Activation == plain.Activation, nameof(o.Activation));
        OfTheTeacher(o.TiedHead == plain.TiedHead, nameof(o.TiedHead));
        OfTheTeacher(o.Tokenization == plain.Tokenization, nameof(o.Tokenization));
        OfTheTeacher(o.VocabularySize == plain.VocabularySize, nameof(o.VocabularySize));
        OfTheTeacher(o.LabelSmoothing == 0, nameof(o.LabelSmoothing), "the teacher's distribution is the target");
        o.Check(defaults, asksForGpu);
        if (o.ValidationFraction == 0)
            throw new ArgumentException(
                "Training.ValidationFraction must be above 0: teacher and student are compared on held-out text.",
                nameof(o.ValidationFraction));
    }

    private static void OfTheTeacher(bool isLeft, string option, string why = "the model has the teacher's shape and tokens")
    {
        if (!isLeft) throw new ArgumentException($"Training.{option} must be left as it is: {why}.", option);
    }
}
