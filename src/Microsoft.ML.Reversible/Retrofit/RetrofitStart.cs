using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>
/// What a retrofit begins with: the teacher, the column's tokens, and the student. Owns the tokens and a teacher that it has loaded; the
/// student is the caller's when all has gone well, and <see cref="Abandon"/> frees it otherwise.
/// </summary>
internal sealed class RetrofitStart : IDisposable
{
    private readonly RetrofitEstimator.Options _options;
    private readonly Device _device;
    private readonly LanguageModelTokenizer? _tokenizer;
    private readonly SpecialTokens? _specialTokens;
    private LanguageModel? _student;

    private RetrofitStart(RetrofitEstimator.Options options, Device device, LanguageModel teacher, LanguageModel? student, IDataView input)
    {
        (_options, _device, Teacher, _student) = (options, device, teacher, student);
        RetrofitMatch.Check(options, teacher.Network, student?.Network);
        ReversibleLmTrainer.Options training = options.Training;
        bool isText = input.Schema[training.TextColumnName].Type is TextDataViewType;
        LanguageModelTokenizer? given = TrainingStart.GivenTokenizer(training);
        if (isText && given is null && !teacher.HasTokenizer)
            throw new InvalidOperationException(
                "The teacher has no tokenizer to make tokens of text. Give its own as Training.Tokenizer or Training.TokenizerPath.");
        _tokenizer = given ?? (teacher.HasTokenizer ? teacher.Tokenizer : null);
        _specialTokens = given is null ? teacher.SpecialTokens : null;
        int vocabularySize = teacher.Network.Configuration.VocabularySize;
        TrainingStart.CheckVocabulary(_tokenizer, vocabularySize);
        Tokens = TrainingStart.ReadTokens(input, training, _tokenizer, vocabularySize);
        if (student is not null) _student = WithTokenizer(student.Network);
    }

    /// <summary>The teacher.</summary>
    public LanguageModel Teacher { get; }

    /// <summary>The column's tokens.</summary>
    public TokenCache Tokens { get; }

    /// <summary>Whether there is a student: one from a folder, or since <see cref="Convert"/>.</summary>
    public bool HasStudent => _student is not null;

    /// <summary>The student, with the teacher's tokenizer.</summary>
    public LanguageModel Student => _student!;

    /// <summary>Loads the models, makes sure that they match, and tokenizes the column.</summary>
    /// <param name="input">The data.</param>
    /// <param name="options">The options, checked.</param>
    /// <param name="device">Where the student computes.</param>
    /// <param name="teacherDevice">Where a teacher from a folder computes.</param>
    public static RetrofitStart Make(IDataView input, RetrofitEstimator.Options options, Device device, Device teacherDevice)
    {
        LanguageModel teacher = options.Teacher?.Model
            ?? PretrainedFolder.Load(options.TeacherPath!, teacherDevice, options.TeacherPrecision);
        LanguageModel? student = null;
        try
        {
            if (options.StudentPath is { } path) student = LoadStudent(path, options.Training, device);
            return new RetrofitStart(options, device, teacher, student, input);
        }
        catch
        {
            student?.Dispose();
            if (options.Teacher is null) teacher.Dispose();
            throw;
        }
    }

    /// <summary>Makes the student of the teacher.</summary>
    public void Convert(Scheme scheme) => _student = WithTokenizer(Conversion.Convert(Teacher.Network, scheme, _options.Training, _device));

    /// <summary>Takes the student of a checkpoint instead.</summary>
    /// <exception cref="InvalidOperationException">It has another scheme, so it is of another run.</exception>
    public void Reload(string checkpoint)
    {
        LanguageModel reloaded = LoadStudent(checkpoint, _options.Training, _device);
        Scheme was = reloaded.Network.Stack.Scheme, now = Student.Network.Stack.Scheme;
        if (was != now)
        {
            reloaded.Dispose();
            throw new InvalidOperationException(
                $"The checkpoint '{checkpoint}' is of another run: Scheme was {was} and is now {now}. " +
                "Ask for the same run, or give this one a CheckpointFolder of its own.");
        }
        Student.Dispose();
        _student = WithTokenizer(reloaded.Network);
    }

    /// <summary>The teacher's answers to all training windows, on disk; null where the options ask for none.</summary>
    public TeacherCache? KeepAnswers(TrainingRun run)
    {
        if (_options.TeacherTopK == 0) return null;
        ReversibleLmTrainer.Options training = _options.Training;
        return TeacherCacheBuilder.Build(
            _options.TeacherCachePath, Teacher.Network, run.Windows(Tokens, fixedPlaces: true), _options.TeacherTopK, _options.Temperature,
            training.BatchSize, cancellationToken: training.CancellationToken);
    }

    /// <summary>What the student is trained for.</summary>
    /// <param name="answers">What <see cref="KeepAnswers"/> gave.</param>
    public ITrainingObjective Objective(TeacherCache? answers) => answers is not null
        ? new CachedDistillation(Teacher.Network, answers, _options.Loss)
        : new Distillation(
            Teacher.Network, _options.Loss, _options.HiddenStateWeight, _options.HiddenStateWeight > 0 ? Streams() : null);

    /// <summary>Frees the student, which nobody will get.</summary>
    public void Abandon() => _student?.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        if (_options.Teacher is null) Teacher.Dispose();
    }

    private static LanguageModel LoadStudent(string folder, ReversibleLmTrainer.Options training, Device device) =>
        PretrainedFolder.Load(folder, device, training.Precision, wayBack: training.WayBack, arithmetic: training.Arithmetic);

    private IReadOnlyList<LayerPair> Streams() => _options.LayerMap
        ?? [.. Enumerable.Range(1, Student.Network.Stack.Blocks.Count).Select(l => new LayerPair(l, l))];

    private LanguageModel WithTokenizer(LanguageNetwork network) => new(network, _tokenizer, _specialTokens);
}
