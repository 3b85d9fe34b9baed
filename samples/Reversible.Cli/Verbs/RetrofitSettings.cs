using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Retrofitting;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'retrofit': those that set properties of the retrofit's options, and those of the training in them.</summary>
internal static class RetrofitSettings
{
    private const int MostWarmupSteps = 50;
    private const string SchemeName = "--scheme";
    private const string OfTheTeacher = "it is the teacher's";

    /// <summary>Properties of the retrofit's options that no option of the command line is named after, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut = new Dictionary<string, string>
    {
        [nameof(RetrofitEstimator.Options.Teacher)] = "it is an object; a teacher is named by its folder",
        [nameof(RetrofitEstimator.Options.ChooseScheme)] = "--scheme auto sets it",
        [nameof(RetrofitEstimator.Options.Training)] = "its properties have options of their own",
        [nameof(RetrofitEstimator.Options.ReportProgress)] = "it is what is shown",
    };

    /// <summary>Properties of the training's options that 'retrofit' has no use for, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> TrainingLeftOut = new Dictionary<string, string>(TrainSettings.LeftOut)
    {
        [nameof(ReversibleLmTrainer.Options.PretrainedFolder)] = "--teacher-path and --student-path name the models",
        [nameof(ReversibleLmTrainer.Options.Scheme)] = "the retrofit's own option names the scheme",
        [nameof(ReversibleLmTrainer.Options.LabelSmoothing)] = "the teacher's distribution is the target",
        [nameof(ReversibleLmTrainer.Options.Family)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.LayerCount)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.HeadCount)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.KeyValueHeadCount)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.Width)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.MlpWidth)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.Activation)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.TiedHead)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.Tokenization)] = OfTheTeacher,
        [nameof(ReversibleLmTrainer.Options.VocabularySize)] = OfTheTeacher,
    };

    /// <summary>The options of the retrofit itself.</summary>
    public static SettingTable<RetrofitEstimator.Options> Table() => new SettingTable<RetrofitEstimator.Options>()
        .Group("Teacher")
        .Add(o => o.TeacherPath,
            "The trained model, a folder in Hugging Face's layout: a residual model of the GPT-2 or the Llama family.", "FOLDER",
            alias: "--teacher", required: true)
        .Add(o => o.TeacherDevice, "Where the teacher computes.", "cpu|cuda|cuda:N", "the student's device")
        .Add(o => o.TeacherPrecision, "The number type in which the teacher's blocks compute.")
        .Group("Student")
        .Add(nameof(RetrofitEstimator.Options.Scheme), SchemeOption(), (choice, o) => choice!.Apply(o))
        .Add(o => o.MaxSideGiB, "The most memory that a chosen scheme may take for its stored bits in a batch, GiB, at least 0.",
            byDefault: "no limit")
        .Add(o => o.MaxRelativeCost,
            "The most that a training step of a chosen scheme may cost, in steps of the teacher with activation checkpointing, at least 1.",
            byDefault: "no limit")
        .Add(o => o.SearchStepSize, "Whether midpoint and leapfrog get the step size with which they come nearest to the teacher.")
        .Add(o => o.StudentPath, "A folder to start from instead, such as an earlier retrofit's; its scheme is the folder's.", "FOLDER",
            "the teacher is converted", alias: "--student")
        .Add(o => o.ReportWindows, "Held-out windows on which teacher and student are compared, at least 1.")
        .Group("Distillation")
        .Add(o => o.Distill, "Whether the student is trained to answer as the teacher does; false converts it and no more.")
        .Add(o => o.Divergence, "What the student's distance from the teacher is measured by.")
        .Add(o => o.JensenShannonWeight, "The teacher's share of the mixture of jensen-shannon, within (0, 1).")
        .Add(o => o.Temperature, "What both models' logits are divided by for the divergence, positive.")
        .Add(o => o.CrossEntropyWeight, "The weight of the text's own cross-entropy, within [0, 1]; the divergence has the rest.")
        .Add(o => o.HiddenStateWeight,
            "The weight of the squared difference between the streams of student and teacher, at least 0; 0 leaves it out.")
        .Add(o => o.LayerMap,
            "The streams that are compared, teacher's and student's: 0 is the embedding, 1 the stream behind the first layer, and so on.",
            "T:S,T:S,...", "each with the student's at the same layer")
        .Add(o => o.TeacherTopK,
            "How many of the teacher's largest logits of each token are kept on disk, so that later epochs do without the teacher; at "
            + "least 0, 0 asks the teacher each time.")
        .Add(o => o.TeacherCachePath, "The file for them, used again where teacher and data are the same.", "FILE", "a temporary one");

    /// <summary>The options of its training.</summary>
    public static SettingTable<ReversibleLmTrainer.Options> Training() =>
        new SettingTable<ReversibleLmTrainer.Options>(new RetrofitEstimator.Options().Training)
            .Group("Layers")
            .AddWayBack()
            .AddFreezing()
            .Group("Text")
            .Add(o => o.ContextLength, "Tokens that a window holds, at least 1 and at most what the teacher holds.")
            .Add(o => o.TokenizerPath, "A folder with the teacher's tokenizer files, or one such file.", "PATH", "the teacher's folder",
                alias: "--tokenizer")
            .AddPacking()
            .Add(o => o.ValidationFraction,
                "The part of the tokens, from the end, that is held out to compare teacher and student on; within (0, 1).")
            .AddOptimization(MostWarmupSteps)
            .AddRun()
            .AddCheckpoints();

    /// <summary>The retrofit's options; those that go by others do so where they were not typed.</summary>
    public static RetrofitEstimator.Options Read(
        SettingTable<RetrofitEstimator.Options> table, SettingTable<ReversibleLmTrainer.Options> training, ParseResult parsed)
    {
        RetrofitEstimator.Options options = table.Read(parsed);
        training.ApplyTraining(parsed, options.Training, MostWarmupSteps);
        table.RefuseTyped(parsed, UnusedRetrofitOptions.Of(options).Where(one => !IsAutomaticChoice(one, options)));
        if (options.SearchStepSize && options.StudentPath is null && parsed.GetValue<SchemeChoice>(SchemeName) is { Names: { } named })
            throw RetrofitChecks.NamedStepSize(named);
        training.RefuseTyped(parsed, UnusedRetrofitOptions.OfTraining(options, Devices.IsGpu(options.Training.Device)));
        return options;
    }

    /// <summary>'--scheme auto' sets ChooseScheme, beside which the property Scheme has no effect.</summary>
    private static bool IsAutomaticChoice(UnusedOption one, RetrofitEstimator.Options options) =>
        one.Option == nameof(options.Scheme) && options is { ChooseScheme: true, StudentPath: null };

    private static Option<SchemeChoice> SchemeOption() => new(SchemeName)
    {
        Description =
            "The recurrence that the layers get: blend:K stays closest to the teacher and stores log2 K bits an activation; "
            + "estimator:a=A,m=M, midpoint, midpoint:H, leapfrog and leapfrog:H store fewer or none and live by distillation; bdia is the "
            + "teacher's network again once trained; auto measures all and takes the closest within the limits. Default: blend:16.",
        HelpName = "SCHEME|auto",
        CustomParser = result => new SchemeChoice(
            result.Tokens[^1].Value,
            result.Tokens[^1].Value.Equals("auto", StringComparison.OrdinalIgnoreCase) ? null : OptionValue.Parse<Scheme>(result)),
    };

    /// <summary>A scheme as it was typed; null is auto.</summary>
    private sealed record SchemeChoice(string Text, Scheme? Scheme)
    {
        /// <summary>The scheme, where a step size that could be searched for was typed with it; else null.</summary>
        public Scheme? Names => Text.Contains(':') && Scheme is not null && UnusedRetrofitOptions.HasStepSize(Scheme) ? Scheme : null;

        public void Apply(RetrofitEstimator.Options options)
        {
            if (Scheme is null) options.ChooseScheme = true;
            else options.Scheme = Scheme;
        }
    }
}
