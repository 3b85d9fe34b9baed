using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The <see cref="IEstimator{TTransformer}"/> that converts a trained transformer to a reversible scheme and distils it.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().Retrofit(...)` or `mlContext.Reversible().Retrofit(Options)`.
///
/// ### Input and output columns
/// The input column must be text, or vectors of token ids (Int32 or UInt32), as for
/// [ReversibleLmTrainer](xref:Microsoft.ML.Reversible.ReversibleLmTrainer), and the transformer adds the same output columns.
///
/// ### Trainer characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Language modelling |
/// | Is normalization required? | No |
/// | Is caching required? | No |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.Reversible, and TorchSharp-cpu, -cuda-windows or -cuda-linux |
/// | Exportable to ONNX | No |
///
/// ### Training algorithm details
/// The teacher's blocks are run under a reversible recurrence over the layers, as in section 4 of
/// [arXiv 2512.02056](https://arxiv.org/abs/2512.02056). Where the outputs then differ much, the student is trained to match the teacher's
/// distribution of the next token.
/// ]]></format>
/// </remarks>
public sealed partial class RetrofitEstimator : IEstimator<ReversibleLmTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly Options _options;

    internal RetrofitEstimator(MLContext context, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _context = context;
        _options = (Options)options.Copy();
        _options.Check(Devices.AsksForGpu(_options.Device, context));
        _options.Scheme = _options.Scheme.ForTrainedWeights();
        _host = ((IHostEnvironment)context).Register(nameof(RetrofitEstimator));
    }

    /// <summary>
    /// Converts the teacher, and distils the student if <see cref="Options.Distill"/> or the scheme asks for it. The better one of the
    /// students before and after distillation is returned.
    /// </summary>
    /// <param name="input">Data with the column.</param>
    /// <returns>
    /// The student, with its <see cref="ReversibleLmTransformer.Retrofit"/> report; dispose it to free its native memory.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The column is missing, is neither text nor token ids, or has an id outside the vocabulary, LayerMap names a layer that does not
    /// exist, or WarmupSteps or DecaySteps is above the number of steps of MaxEpochs.
    /// </exception>
    /// <exception cref="ArgumentException">A row has a character that the tokenizer cannot represent.</exception>
    /// <exception cref="InvalidOperationException">
    /// The teacher is not residual, teacher and student do not match, no scheme fits the limits, there are no rows, the text is too short,
    /// the requested GPU is missing, the checkpoint belongs to another run, MaxEpochs takes more steps than an int counts, or no step could
    /// be taken.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of a folder, or a checkpoint, is damaged or of an unknown format.</exception>
    /// <exception cref="IOException">Another run uses the checkpoint folder, or a file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing a file is not permitted.</exception>
    /// <exception cref="FileNotFoundException">A file of a folder, or of the tokenizer, is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A folder does not exist.</exception>
    /// <exception cref="OverflowException">A value is outside the range of exact arithmetic.</exception>
    /// <exception cref="ObjectDisposedException">The teacher has been disposed.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public ReversibleLmTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var modes = AutogradModes.Default();
        SchemaErrors.RequireTextOrTokens(input.Schema, _options.TextColumnName);
        using IChannel channel = _host.Start("Retrofit");
        TieOrder.Warn(_options.Tokenizer, channel);
        using var run = new TrainingRun(_options, _context, _host, channel, [new("Weights", "of a teacher or a student")]);
        LanguageStart.RequireWritableCache(_options);
        if (_options.TeacherCachePath is { } cache && !File.Exists(cache)) AtomicFile.RequireWritable(cache);
        using var start = RetrofitStart.Make(
            input, _options, run.Device, Devices.Resolve(_options.TeacherDevice ?? _options.Device, _context, channel));
        try
        {
            return Fit(start, run, channel);
        }
        catch
        {
            start.Abandon();
            throw;
        }
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireTextOrTokens(inputSchema, _options.TextColumnName);
        return inputSchema.With(ScoreColumns.From(_options).Schema(width: 1));
    }

    private ReversibleLmTransformer Fit(RetrofitStart start, TrainingRun run, IChannel channel)
    {
        LanguageNetwork teacher = start.Teacher.Network;
        TokenBatch[] heldOut = [.. _options.Windows(start.Tokens, run.Seed).HeldOut(_options.BatchSize, _options.ReportWindows)];
        SchemeChoice choice = start.HasStudent
            ? new SchemeChoice(start.Student.Network.Stack.Scheme)
            : SchemeChoice.Make(teacher, _options, heldOut);
        if (!start.HasStudent) start.Convert(choice.Scheme);
        RetrofitReport report = choice.Report(teacher, start.Student.Network, heldOut, _options);
        channel.Info(MessageSensitivity.None, "{0}", report);
        _options.ReportProgress?.Report(report);
        if (!_options.Distills(choice.Scheme))
        {
            if (_options.Distill is null)
                channel.Info(MessageSensitivity.None, "{0}", $"The scheme {choice.Scheme} needs no distillation. To distil, set Distill.");
            return new(_context, start.Student, ScoreColumns.From(_options), metrics: null, report);
        }

        start.KeepStudent();
        if (run.Checkpoint is { } checkpoint) start.Reload(checkpoint);
        using TeacherCache? answers = start.KeepAnswers(run.Seed);
        using var task = new DistillationTask(start.Student, start.Teacher.Network, start.Tokens, _options, run.Seed, answers);
        TrainingMetrics metrics = run.Train(task);
        RetrofitAgreement after = Agreement.Measure(teacher, start.Student.Network, heldOut, _options.CancellationToken);
        bool isWorse = !(_options.HeldOutLoss(after) <= _options.HeldOutLoss(report.Before));
        report = report with { After = after, DistillationDiscarded = isWorse };
        channel.Info(MessageSensitivity.None, "{0}", report);
        if (!report.DistillationDiscarded)
            return new(_context, start.Student, ScoreColumns.From(_options), new LanguageMetrics(metrics), report);
        channel.Warning(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture,
            $"Distillation made the student worse on held-out text: KL to the teacher was {report.Before.KlPerToken:G3} nats per token " +
            $"and became {after.KlPerToken:G3}, the loss was {report.Before.StudentLoss:G4} and became {after.StudentLoss:G4}. " +
            $"It was discarded, and the student from before is returned. Set Distill to false, or distil with a smaller LearningRate or " +
            $"more MaxSteps."));
        start.RestoreStudent();
        return new(_context, start.Student, ScoreColumns.From(_options), new LanguageMetrics(metrics) { ModelStep = 0 }, report);
    }
}
