using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'retrofit': those of the retrofit itself, and those of its training.</summary>
internal static class RetrofitSettings
{
    private const string SchemeName = "--scheme";

    /// <summary>Properties of the options without a command-line option of their name, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut =
        new Dictionary<string, string>(TrainSettings.LeftOut)
        {
            [nameof(RetrofitEstimator.Options.Teacher)] = "it is an object; --teacher-path names a folder",
            [nameof(RetrofitEstimator.Options.ChooseScheme)] = "--scheme auto sets it",
            [nameof(RetrofitEstimator.Options.ReportProgress)] = "the command line uses it to show the report",
        };

    /// <summary>The options.</summary>
    public static SettingTable<RetrofitEstimator.Options> Table() => new SettingTable<RetrofitEstimator.Options>()
        .Group("Teacher")
        .Add(o => o.TeacherPath,
            "The trained model, a folder in Hugging Face's layout: a residual model of any family that train knows.", "FOLDER",
            alias: "--teacher", required: true)
        .Add(o => o.TeacherDevice, "The device of the teacher.", "cpu|cuda|cuda:N", "the student's device")
        .Add(o => o.TeacherPrecision, "The number type in which the teacher's blocks compute.")
        .Group("Student")
        .Add(nameof(RetrofitEstimator.Options.Scheme), SchemeOption(), (choice, o) => choice!.Apply(o))
        .Add(o => o.MaxRemainderGiB, "Maximum memory for the remainders of a batch, for --scheme auto, in GiB, at least 0.",
            byDefault: "no limit")
        .Add(o => o.MaxRelativeCost,
            "Maximum time of a training step, for --scheme auto, relative to the teacher's with activation checkpointing, at least 1.",
            byDefault: "no limit")
        .Add(o => o.SearchStepSize, "Whether to search the step size with which midpoint or leapfrog is closest to the teacher.",
            byDefault: "true unless --scheme has a step size")
        .Add(o => o.StudentPath, "A folder to start from, such as an earlier retrofit; the scheme is that of the folder.", "FOLDER",
            "the teacher is converted", alias: "--student")
        .Add(o => o.ReportWindows, "Number of held-out windows on which teacher and student are compared, at least 1.")
        .Group("Distillation")
        .Add(o => o.Distill,
            "Whether to train the student to reproduce the teacher's outputs; false only converts the teacher. Of the students before and "
            + "after, the better one on held-out text is written.",
            byDefault: "false for blend:16 and larger, iterated-inverse:a=0.0625 and smaller, and bdia, unless an option of the training "
            + "is given; else true")
        .Add(o => o.Divergence, "The divergence between teacher and student that is minimised.")
        .Add(o => o.JensenShannonWeight, "Weight of the teacher in the mixture of jensen-shannon, within (0, 1).")
        .Add(o => o.Temperature, "Divides both models' logits for the divergence, positive.")
        .Add(o => o.CrossEntropyWeight, "Weight of the cross-entropy of the text, within [0, 1]; the divergence has the rest.")
        .Add(o => o.HiddenStateWeight,
            "Weight of the squared distance between the hidden states of student and teacher, at least 0; 0 omits it.")
        .Add(o => o.LayerMap,
            "Pairs of hidden states to compare, teacher:student: 0 is the embedding, 1 the hidden state after the first layer, and so on.",
            "T:S,T:S,...", "equal layers")
        .Add(o => o.TeacherTopK,
            "Number of the teacher's largest logits per token to cache on disk, so that later epochs do not evaluate the teacher; at "
            + "least 0, 0 evaluates the teacher each time.")
        .Add(o => o.TeacherCachePath, "File of that cache, reused if teacher and data are the same.", "FILE", "a temporary file")
        .Group("Layers")
        .AddBackwardMode()
        .AddFreezing()
        .Group("Text")
        .Add(o => o.ContextLength, "Tokens in a window, at least 1 and at most the teacher's context length.")
        .Add(o => o.TokenizerPath, "A folder with the teacher's tokenizer files, or one such file.", "PATH", "the teacher's folder",
            alias: "--tokenizer")
        .AddPacking()
        .Add(o => o.ValidationFraction,
            "Fraction of the tokens, from the end, that is held out to compare teacher and student, within (0, 1).")
        .AddOptimization()
        .AddDropout()
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>Returns the retrofit's options. A typed option counts as set, also at its default.</summary>
    public static RetrofitEstimator.Options Read(SettingTable<RetrofitEstimator.Options> table, ParseResult parsed)
    {
        RetrofitEstimator.Options options = table.Read(parsed);
        if (RetrofitEstimator.Options.OfDistillation.Intersect(table.Properties).Any(option => table.WasTyped(parsed, option)))
            options.Distill ??= true;
        if (options.StudentPath is null && parsed.GetValue<SchemeChoice>(SchemeName) is { Names: { } named })
        {
            if (options.SearchStepSize == true) throw RetrofitEstimator.Options.NamedStepSize(named);
            options.SearchStepSize = false;
        }
        table.RefuseTyped(
            parsed, options.Unused(Devices.IsGpu(options.Device)).Where(one => !IsAutomaticChoice(one, options)));
        return options;
    }

    /// <summary>Returns whether this is Scheme without effect because '--scheme auto' has set ChooseScheme.</summary>
    private static bool IsAutomaticChoice(UnusedOption one, RetrofitEstimator.Options options) =>
        one.Option == nameof(options.Scheme) && options is { ChooseScheme: true, StudentPath: null };

    private static Option<SchemeChoice> SchemeOption() => new(SchemeName)
    {
        Description =
            "The recurrence over the layers: blend:K stays closest to the teacher and stores log2 K bits per activation; "
            + "iterated-inverse:a=A,m=M, midpoint, midpoint:H, leapfrog and leapfrog:H store fewer bits or none and need distillation; "
            + "bdia computes the teacher's network after training; auto measures all and takes the closest within limits. "
            + "Default: blend:16.",
        HelpName = "SCHEME|auto",
        CustomParser = result => new SchemeChoice(
            result.Tokens[^1].Value,
            result.Tokens[^1].Value.Equals("auto", StringComparison.OrdinalIgnoreCase) ? null : OptionValue.Parse<Scheme>(result)),
    };

    /// <summary>A scheme as typed; null is auto.</summary>
    private sealed record SchemeChoice(string Text, Scheme? Scheme)
    {
        /// <summary>The scheme, if it was typed with a step size that could have been searched for; otherwise null.</summary>
        public Scheme? Names => Text.Contains(':') && Scheme is not null && RetrofitEstimator.Options.HasStepSize(Scheme) ? Scheme : null;

        public void Apply(RetrofitEstimator.Options options)
        {
            if (Scheme is null) options.ChooseScheme = true;
            else options.Scheme = Scheme;
        }
    }
}
