using System.Reflection;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using static Microsoft.ML.Reversible.RetrofitEstimator;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class RetrofitOptionTests
{
    private const string Elsewhere = "no such folder";

    private static readonly MLContext Ml = new(seed: 1) { FallbackToCpu = false };

    private static readonly IDataView Data = Ml.Data.LoadFromEnumerable(
        Corpus.Rows.Take(16).Select((text, i) => new Row { Text = text, Other = $"{i} other {text.Length}" }));

    private static readonly PropertyInfo[] _shared = typeof(LanguageTrainingOptions).GetProperties();

    private static readonly Lazy<ReversibleLmTransformer> _teacher = new(() =>
    {
        ReversibleLmTrainer.Options options = TrainerOptionTests.Small();
        options.Scheme = Scheme.Residual;
        return TrainerOptionTests.Fit(options);
    });

    private static readonly Lazy<string> _folder = new(() =>
    {
        var folder = new ScratchFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        _teacher.Value.SavePretrained(folder.File("teacher"));
        return folder.File("teacher");
    });

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public string Other { get; set; } = "";
    }

    /// <summary>Options that the trainer has too whose change need not show with distillation or without, and why.</summary>
    private static readonly IReadOnlyDictionary<(string Option, bool Distill), string> SameBits =
        new Dictionary<(string, bool), string>
        {
            [(nameof(ReversibleLmTrainer.Options.BackwardMode), true)] = "in exact arithmetic, a blend's, it decides memory and time alone",
            [(nameof(ReversibleLmTrainer.Options.KeptLayerCount), true)] = "as for the backward pass",
            [(nameof(ReversibleLmTrainer.Options.OutlierFactor), true)] = "exact arithmetic ends a run before its gradients grow so",
            [(nameof(ReversibleLmTrainer.Options.MaxSkippedSteps), true)] = "as for the outliers",
            [(nameof(ReversibleLmTrainer.Options.Progress), false)] = "it listens, and there is nothing to tell",
        };

    /// <summary>Changes of options whose value in the trainer's case is what a retrofit has anyway.</summary>
    private static readonly IReadOnlyDictionary<string, Action<ReversibleLmTrainer.Options, string>> Changes =
        new Dictionary<string, Action<ReversibleLmTrainer.Options, string>>
        {
            [nameof(ReversibleLmTrainer.Options.Arithmetic)] = (o, _) => o.Arithmetic = Arithmetic.Float,
            [nameof(ReversibleLmTrainer.Options.TokenizerPath)] = (o, _) => o.TokenizerPath = Elsewhere,
            [nameof(ReversibleLmTrainer.Options.WeightDecay)] = (o, _) => o.WeightDecay = 0.3,
        };

    private static IReadOnlyList<OptionCase<Options>> All =>
    [
        new(nameof(Options.TeacherPath), (o, _) => (o.TeacherPath, o.Teacher) = (Elsewhere, null)),
        new(nameof(Options.Teacher), (o, _) => o.Teacher = Retrofits.Teacher),
        new(nameof(Options.TeacherDevice), (o, _) => o.TeacherDevice = "cuda:99")
        {
            Base = (o, _) => FromFolder(o),
            Unused = [o => o.TeacherDevice = "cpu"],
        },
        new(nameof(Options.TeacherPrecision), (o, _) => o.TeacherPrecision = Precision.BFloat16)
        {
            Base = (o, _) => FromFolder(o),
            Unused = [o => o.TeacherPrecision = Precision.BFloat16],
        },
        new(nameof(Options.StudentPath), (o, _) => o.StudentPath = Elsewhere),
        new(nameof(Options.Scheme), (o, _) => o.Scheme = Bdia.Blend(4))
        {
            Unused =
            [
                o => (o.StudentPath, o.Scheme) = (Elsewhere, Bdia.Blend(4)),
                o => (o.ChooseScheme, o.Scheme) = (true, Bdia.Blend(4)),
            ],
        },
        new(nameof(Options.ChooseScheme), (o, _) => o.ChooseScheme = true)
        {
            Unused = [o => (o.StudentPath, o.ChooseScheme) = (Elsewhere, true)],
        },
        Limit(nameof(Options.MaxRemainderGiB), o => o.MaxRemainderGiB = 0),
        Limit(nameof(Options.MaxRelativeCost), o => o.MaxRelativeCost = 1.1),
        new(nameof(Options.SearchStepSize), (o, _) => o.SearchStepSize = false)
        {
            Base = (o, _) => o.Scheme = Scheme.Midpoint,
            Unused =
            [
                o => o.SearchStepSize = false,
                o => (o.ChooseScheme, o.SearchStepSize) = (true, false),
                o => (o.StudentPath, o.SearchStepSize) = (Elsewhere, false),
            ],
        },
        new(nameof(Options.ReportWindows), (o, _) => o.ReportWindows = 2),
        new(nameof(Options.ReportProgress), (o, folder) => o.ReportProgress = new OptionWalk.Listener<RetrofitReport>(folder)),
        new(nameof(Options.Distill), (o, _) => WithoutTraining(o)),
        Distilled(nameof(Options.Divergence), o => o.Divergence = Divergence.ReverseKl, WithoutDivergence),
        Distilled(nameof(Options.JensenShannonWeight), o => o.JensenShannonWeight = 0.3, _ => { }, WithoutDivergence) with
        {
            Base = (o, _) => o.Divergence = Divergence.JensenShannon,
        },
        Distilled(nameof(Options.Temperature), o => o.Temperature = 2, WithoutDivergence),
        Distilled(nameof(Options.CrossEntropyWeight), o => o.CrossEntropyWeight = 0.5),
        Distilled(nameof(Options.HiddenStateWeight), o => o.HiddenStateWeight = 1),
        Distilled(nameof(Options.LayerMap), o => o.LayerMap = [new(1, 2)], _ => { }) with
        {
            Base = (o, _) => o.HiddenStateWeight = 1,
        },
        Distilled(nameof(Options.TeacherTopK), o => o.TeacherTopK = 3),
        new(nameof(Options.TeacherCachePath), (o, folder) => o.TeacherCachePath = Path.Combine(folder, "answers"))
        {
            Base = (o, _) => o.TeacherTopK = 3,
            Unused = [o => o.TeacherCachePath = "answers"],
        },
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Option });

    public static IEnumerable<object[]> TrainingCases =>
        Shared.SelectMany(one => new[] { new object[] { one.Option, true }, [one.Option, false] });

    /// <summary>The options that the trainer has too, with its cases.</summary>
    private static IReadOnlyList<OptionCase<Options>> Shared =>
    [
        .. from one in TrainerOptionCases.All
           where _shared.Any(property => property.Name == one.Option)
           let change = Changes.GetValueOrDefault(one.Option, one.Change!)
           select new OptionCase<Options>(one.Option, one.Change is null ? null : Apply(change))
           {
               Base = one.Base is null ? null : Apply(one.Base),
               SameBits = one.SameBits,
           },
    ];

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete([.. All, .. Shared]);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) => OptionWalk.AssertEffect(CaseOf(option), Small, Run);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option) =>
        OptionWalk.AssertRefused(CaseOf(option), Small, options => Ml.Reversible().Retrofit(options));

    [TestMethod]
    [DynamicData(nameof(TrainingCases))]
    public void AnOptionOfTheTrainingIsRefusedOrChangesTheOutput(string option, bool distill)
    {
        OptionCase<Options> one = Shared.Single(one => one.Option == option);
        if (one.Change is null || SameBits.ContainsKey((option, distill))) return;
        Action<Options, string>? shared = !distill ? (o, _) => WithoutTraining(o)
            : one.Base is { } of && IsOfTraining(of) ? of
            : null;
        OptionWalk.AssertEffect(one with { Base = shared }, Small, Run, mayBeRefused: true);
    }

    [TestMethod]
    [DataRow("midpoint:0.25")]
    [DataRow("leapfrog:0.25")]
    public void AStepSizeThatIsNamedIsUsedAndRefusedWhereOneIsSearched(string scheme)
    {
        Options options = Small();
        options.Scheme = Scheme.Parse(scheme);
        using (ReversibleLmTransformer student = Ml.Reversible().Retrofit(options).Fit(Data))
        {
            Assert.AreEqual(options.Scheme, student.Scheme);
            Assert.IsEmpty(student.Retrofit!.StepSizes);
        }
        options.SearchStepSize = true;
        var e = Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().Retrofit(options));
        StringAssert.Contains(e.Message, $"Scheme has no effect beyond its name, {scheme.Split(':')[0]}, if SearchStepSize");
        options.SearchStepSize = false;
        Ml.Reversible().Retrofit(options);
    }

    [TestMethod]
    public void ALearningRateWithoutStepsIsRefused()
    {
        Ml.Reversible().Retrofit(_folder.Value, maxSteps: 0);
        var e = Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().Retrofit(_folder.Value, maxSteps: 0, learningRate: 1e-4));
        StringAssert.StartsWith(e.Message, "LearningRate has no effect if Distill is false");
    }

    private static Options Small()
    {
        var options = new Options { Teacher = _teacher.Value, ReportWindows = 8 };
        ReversibleLmTrainer.Options small = TrainerOptionTests.Small();
        (options.ContextLength, options.BatchSize, options.MaxSteps) = (small.ContextLength, small.BatchSize, small.MaxSteps);
        (options.WarmupSteps, options.EvaluationInterval, options.ReportInterval, options.Seed) = (1, 2, 1, 1);
        (options.LearningRate, options.FinalLearningRate, options.WeightDecay) = (5e-3, 1e-4, 0.1);
        return options;
    }

    private static string Run(Options options, string folder)
    {
        using ReversibleLmTransformer student = Ml.Reversible().Retrofit(options).Fit(Data);
        return $"{student.Retrofit!.ToJson()}\n{OptionWalk.Describe(student, Data)}";
    }

    /// <summary>What is set of a trainer's options, set of a retrofit's where it has the option.</summary>
    private static Action<Options, string> Apply(Action<ReversibleLmTrainer.Options, string> set) => (o, folder) =>
    {
        var trainer = new ReversibleLmTrainer.Options();
        foreach (PropertyInfo property in _shared) property.SetValue(trainer, property.GetValue(o));
        set(trainer, folder);
        foreach (PropertyInfo property in _shared) property.SetValue(o, property.GetValue(trainer));
    };

    private static void FromFolder(Options o) => (o.TeacherPath, o.Teacher) = (_folder.Value, null);

    private static void WithoutDivergence(Options o) => o.CrossEntropyWeight = 1;

    private static void WithoutTraining(Options o)
    {
        Options plain = new();
        o.Distill = false;
        (o.MaxSteps, o.WarmupSteps, o.Seed) = (plain.MaxSteps, plain.WarmupSteps, plain.Seed);
        (o.EvaluationInterval, o.ReportInterval) = (plain.EvaluationInterval, plain.ReportInterval);
        (o.LearningRate, o.FinalLearningRate) = (plain.LearningRate, plain.FinalLearningRate);
        o.WeightDecay = plain.WeightDecay;
    }

    /// <summary>Whether what the trainer's case sets first can be set in a retrofit, whose model is the teacher's.</summary>
    private static bool IsOfTraining(Action<Options, string> set)
    {
        Options options = Small();
        set(options, Path.GetTempPath());
        try
        {
            Ml.Reversible().Retrofit(options);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static OptionCase<Options> Limit(string option, Action<Options> change) => new(option, (o, _) => change(o))
    {
        Base = (o, _) => o.ChooseScheme = true,
        Unused = [change],
    };

    /// <summary>An option of distillation: without it, and beside other settings, it is refused.</summary>
    private static OptionCase<Options> Distilled(string option, Action<Options> change, params Action<Options>[] without) =>
        new(option, (o, _) => change(o))
        {
            Unused = [.. without.Append(WithoutTraining).Select(set => (Action<Options>)(o =>
            {
                set(o);
                change(o);
            }))],
        };

    private static OptionCase<Options> CaseOf(string option) => All.Single(one => one.Option == option);
}
