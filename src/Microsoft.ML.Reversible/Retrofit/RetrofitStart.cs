using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// The teacher, the column's tokens and the student that a retrofit starts from. Owns the tokens, and the teacher if it has loaded it. If
/// the retrofit succeeds, the caller owns the student; otherwise <see cref="Abandon"/> frees it.
/// </summary>
internal sealed class RetrofitStart : IDisposable
{
    private readonly RetrofitEstimator.Options _options;
    private readonly Device _device;
    private readonly LanguageModelTokenizer? _tokenizer;
    private readonly SpecialTokens? _specialTokens;
    private LanguageModel? _student;
    private Tensor[] _kept = [];

    private RetrofitStart(RetrofitEstimator.Options options, Device device, LanguageModel teacher, LanguageModel? student, IDataView input)
    {
        (_options, _device, Teacher, _student) = (options, device, teacher, student);
        RetrofitMatch.Check(options, teacher.Network, student?.Network);
        bool isText = input.Schema[options.TextColumnName].Type is TextDataViewType;
        LanguageModelTokenizer? given = LanguageStart.GivenTokenizer(options);
        if (isText && given is null && !teacher.HasTokenizer)
            throw new InvalidOperationException(
                "The teacher has no tokenizer, which a text column needs. Set Tokenizer or TokenizerPath.");
        int vocabularySize = teacher.Network.Configuration.VocabularySize;
        _tokenizer = LanguageStart.WithinVocabulary(given ?? (teacher.HasTokenizer ? teacher.Tokenizer : null), vocabularySize);
        _specialTokens = given is null ? teacher.SpecialTokens : null;
        Tokens = LanguageStart.ReadTokens(input, options, _tokenizer, vocabularySize);
        if (student is not null) _student = WithTokenizer(student.Network);
    }

    /// <summary>The teacher.</summary>
    public LanguageModel Teacher { get; }

    /// <summary>The column's tokens.</summary>
    public TokenCache Tokens { get; }

    /// <summary>Whether there is a student, from a folder or from <see cref="Convert"/>.</summary>
    public bool HasStudent => _student is not null;

    /// <summary>The student, with the teacher's tokenizer.</summary>
    public LanguageModel Student => _student!;

    /// <summary>Loads the models, checks that they match, and tokenizes the column.</summary>
    /// <param name="input">The data.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="device">The device of the student.</param>
    /// <param name="teacherDevice">Where a teacher from a folder computes.</param>
    public static RetrofitStart Make(IDataView input, RetrofitEstimator.Options options, Device device, Device teacherDevice)
    {
        LanguageModel teacher = options.Teacher?.Model
            ?? PretrainedFolder.Load(options.TeacherPath!, teacherDevice, options.TeacherPrecision);
        LanguageModel? student = null;
        try
        {
            if (options.StudentPath is { } path) student = LoadStudent(path, options, device);
            return new RetrofitStart(options, device, teacher, student, input);
        }
        catch
        {
            student?.Dispose();
            if (options.Teacher is null) teacher.Dispose();
            throw;
        }
    }

    /// <summary>Converts the teacher to the student.</summary>
    public void Convert(Scheme scheme) => _student = WithTokenizer(Conversion.Convert(Teacher.Network, scheme, _options, _device));

    /// <summary>Replaces the student by that of a checkpoint.</summary>
    /// <exception cref="InvalidOperationException">It has another scheme, so it belongs to another run.</exception>
    public void Reload(string checkpoint)
    {
        LanguageModel reloaded = LoadStudent(checkpoint, _options, _device);
        Scheme was = reloaded.Network.Stack.Scheme, now = Student.Network.Stack.Scheme;
        if (was != now)
        {
            reloaded.Dispose();
            throw new InvalidOperationException(
                $"The checkpoint '{checkpoint}' belongs to another run: Scheme was {was} and is now {now}. " +
                "Set the options of that run, or give this run another CheckpointFolder.");
        }
        Student.Dispose();
        _student = WithTokenizer(reloaded.Network);
    }

    /// <summary>
    /// Keeps the student's weights for <see cref="RestoreStudent"/>: those from a folder as a copy in host memory, since the folder may
    /// change. Those of a conversion are the teacher's.
    /// </summary>
    public void KeepStudent()
    {
        if (_options.StudentPath is null) return;
        using var noGraph = no_grad();
        _kept = [.. Student.Network.parameters().Select(weight =>
        {
            using var scope = NewDisposeScope();
            return weight.to(CPU, copy: true).DetachFromDisposeScope();
        })];
    }

    /// <summary>Gives the student the weights that it had before distillation.</summary>
    public void RestoreStudent()
    {
        if (_options.StudentPath is null)
        {
            Conversion.CopyWeights(Teacher.Network, Student.Network);
            return;
        }
        using var noGraph = no_grad();
        foreach (var (kept, weight) in _kept.Zip(Student.Network.parameters()))
        {
            using var scope = NewDisposeScope();
            weight.copy_(kept);
        }
    }

    /// <summary>Returns the cache of the teacher's logits for all training windows; null if the options do not ask for it.</summary>
    /// <param name="seed">The run's seed.</param>
    public TeacherCache? KeepAnswers(int seed) => _options.TeacherTopK == 0
        ? null
        : TeacherCacheBuilder.Build(
            _options.TeacherCachePath, Teacher.Network, _options.Windows(Tokens, seed, fixedPlaces: true), _options.TeacherTopK,
            _options.Temperature, _options.BatchSize, cancellationToken: _options.CancellationToken);

    /// <summary>Frees the student after a failure.</summary>
    public void Abandon() => _student?.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        foreach (Tensor kept in _kept) kept.Dispose();
        if (_options.Teacher is null) Teacher.Dispose();
    }

    private static LanguageModel LoadStudent(string folder, RetrofitEstimator.Options options, Device device) =>
        PretrainedFolder.Load(folder, device, options.Precision, backwardMode: options.BackwardMode, arithmetic: options.Arithmetic);

    private LanguageModel WithTokenizer(LanguageNetwork network) => new(network, _tokenizer, _specialTokens);
}

/// <summary>Checks that a teacher can be converted, and that it and a student from a folder match.</summary>
internal static class RetrofitMatch
{
    /// <summary>Checks the models before data is read.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="student">The student from a folder; null if the teacher is converted.</param>
    /// <exception cref="InvalidOperationException">They do not match; the message says why.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A layer of the map does not exist.</exception>
    public static void Check(RetrofitEstimator.Options options, LanguageNetwork teacher, LanguageNetwork? student)
    {
        if (student is null && teacher.Stack.Scheme is not Residual)
            throw new InvalidOperationException(
                $"The teacher's scheme is '{teacher.Stack.Scheme}', but only a residual model can be converted. " +
                "To distil an existing student, set StudentPath to its folder.");
        int context = Math.Min(teacher.Configuration.ContextLength, student?.Configuration.ContextLength ?? int.MaxValue);
        if (options.ContextLength > context)
            throw new InvalidOperationException(
                $"ContextLength is {options.ContextLength}, but the models' context is {context} tokens.");
        if (student is not null && student.Configuration.VocabularySize != teacher.Configuration.VocabularySize)
            throw new InvalidOperationException(
                $"The student has {student.Configuration.VocabularySize} tokens and the teacher {teacher.Configuration.VocabularySize}; " +
                "distillation needs the same vocabulary.");
        if (options.HiddenStateWeight == 0) return;
        // The Hamiltonian scheme has two hidden states for each of the teacher's; all candidates of ChooseScheme have one.
        int studentLayers = (student?.Stack.Blocks ?? options.Scheme.Functions([.. teacher.Blocks])).Count;
        CheckStates(options.LayerMap, teacher, student ?? teacher, studentLayers);
    }

    private static void CheckStates(
        IReadOnlyList<LayerPair>? map, LanguageNetwork teacher, LanguageNetwork student, int studentLayers)
    {
        if (student.Configuration.Width != teacher.Configuration.Width)
            throw new InvalidOperationException(
                $"The student's hidden states have width {student.Configuration.Width} and the teacher's {teacher.Configuration.Width}, " +
                "so they cannot be compared: HiddenStateWeight must be 0.");
        int teacherLayers = teacher.Stack.Blocks.Count;
        if (map is null && studentLayers != teacherLayers)
            throw new InvalidOperationException(
                $"The student has {studentLayers} layers and the teacher {teacherLayers}: set LayerMap to the pairs to compare.");
        foreach (LayerPair pair in map ?? [])
        {
            CheckLayer(pair.Teacher, teacherLayers, "teacher");
            CheckLayer(pair.Student, studentLayers, "student");
        }
    }

    private static void CheckLayer(int layer, int layers, string model)
    {
        if (layer < 0 || layer > layers)
            throw new ArgumentOutOfRangeException(
                nameof(RetrofitEstimator.Options.LayerMap), layer,
                $"The hidden states of the {model} in LayerMap must be within [0, {layers}].");
    }
}
