using System.Globalization;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// One run of training around its loop: the folder of checkpoints, the checkpoint to go on from, and what comes of it. What is wrong with
/// the options, the folder or the files shows when it is opened, before data is read, which may take hours.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly ReversibleLmTrainer.Options _options;
    private readonly IChannel _channel;
    private readonly RunFolder? _folder;
    private readonly RunState? _resumed;
    private readonly RunIdentity _known;

    /// <summary>Opens a run.</summary>
    /// <param name="options">The options, checked.</param>
    /// <param name="context">Says where to compute, and draws a seed, where the options do not.</param>
    /// <param name="host">Draws a seed.</param>
    /// <param name="channel">Told of what happens.</param>
    /// <param name="isText">Whether the column is text, not token ids.</param>
    /// <param name="settings">What decides the curve beside the options, as far as it is known.</param>
    /// <exception cref="InvalidOperationException">The GPU is missing, or the checkpoint is of another run.</exception>
    /// <exception cref="InvalidDataException">A checkpoint is damaged.</exception>
    /// <exception cref="IOException">Another run holds the folder, or a file cannot be written.</exception>
    public TrainingRun(
        ReversibleLmTrainer.Options options, MLContext context, IHost host, IChannel channel, bool isText,
        IEnumerable<KeyValuePair<string, string>>? settings = null)
    {
        (_options, _channel) = (options, channel);
        Device = Devices.Resolve(options.Device, context, channel);
        _folder = options.CheckpointFolder is { } path ? RunFolder.Open(path) : null;
        try
        {
            if (_folder is not null
                && RunCheckpoint.Find(
                    _folder, options.Resume, options.DamagedCheckpoint, text => channel.Warning(MessageSensitivity.None, "{0}", text))
                    is var (checkpoint, state))
                (Checkpoint, _resumed) = (checkpoint, state);
            Seed = options.Seed ?? _resumed?.Identity.Seed ?? host.Rand.Next();
            _known = RunIdentity.Of(options, isText, Seed).With(settings ?? []);
            if (_resumed is not null)
            {
                _resumed.Identity.Require(_known, Checkpoint!);
                _resumed.RequirePlaceIn(options, Checkpoint!);
            }
            if (options.TokenCachePath is { } cache && !File.Exists(cache)) AtomicFile.RequireWritable(cache);
            if (options.MetricsPath is { } metrics) MetricsLog.RequireWritable(metrics);
        }
        catch
        {
            _folder?.Dispose();
            throw;
        }
    }

    /// <summary>Where the model computes.</summary>
    public Device Device { get; }

    /// <summary>Seeds the weights and the order of the data.</summary>
    public int Seed { get; }

    /// <summary>The checkpoint that the run goes on from; null at the beginning.</summary>
    public string? Checkpoint { get; }

    /// <summary>The data as the run cuts it.</summary>
    /// <param name="tokens">The data.</param>
    /// <param name="fixedPlaces">Whether training windows lie at the same places in every epoch.</param>
    public TokenWindows Windows(TokenCache tokens, bool fixedPlaces = false) =>
        new(tokens, _options.ContextLength, _options.ValidationFraction, _options.DocumentBoundaries, Seed, fixedPlaces);

    /// <summary>Trains the model to the end.</summary>
    /// <param name="model">The model with the weights of <see cref="Checkpoint"/>, or those to begin with.</param>
    /// <param name="tokens">The data.</param>
    /// <param name="objective">What is minimised.</param>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public TrainingMetrics Train(LanguageModel model, TokenCache tokens, ITrainingObjective objective)
    {
        LanguageNetwork network = model.Network;
        RunIdentity identity = _known.With(network, tokens).With(objective.Settings);
        _resumed?.Identity.Require(identity, Checkpoint!);
        RunState state = _resumed ?? new RunState { Identity = identity };
        int? resumedFrom = _resumed?.Step;
        TokenWindows windows = Windows(tokens, objective.NeedsFixedWindows);
        _channel.Info(MessageSensitivity.None, "{0}", string.Create(
            CultureInfo.InvariantCulture,
            $"{network.Configuration.ParameterCount:N0} parameters, {tokens.TokenCount:N0} tokens, {windows.TrainingTokens:N0} of them " +
            $"to train on, scheme {network.Stack.Scheme}, way back {network.Stack.WayBack}, arithmetic {network.Stack.Arithmetic}, on " +
            $"{network.Device}, from step {state.Step}"));

        if (_options.KeptLayerCount > 0 && network.Stack.WayBack != WayBack.Reversible)
            throw UnusedTrainerOptions.KeptLayers(network.Stack.WayBack, network.Stack.Scheme).Refusal();
        OptionChecks.Require(
            _options.KeptLayerCount <= network.Stack.Blocks.Count, nameof(_options.KeptLayerCount), _options.KeptLayerCount,
            $"within [0, {network.Stack.Blocks.Count}], the model's functions");
        using var frozen = new FrozenWeights(network, _options.FreezeEmbedding, _options.FrozenLayerCount);
        using var output = new RunOutput(_options, _folder, state.Step, _channel);
        var memory = new MemoryMeter(network.Device);
        using var loop = new TrainingLoop(model, windows, objective, _options, state, Checkpoint, output, memory);
        loop.Run();
        if (_options.ReturnBest) loop.TakeBest();
        return new TrainingMetrics(state.History, state.ValidationTokens, state.Elapsed, memory.DevicePeak)
        {
            ResumedFrom = resumedFrom,
            ModelStep = _options.ReturnBest && state.Best is { } best ? best.Step : state.Step,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();
}
