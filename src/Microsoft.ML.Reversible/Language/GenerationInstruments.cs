using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Measures one request for generated text, from its first token to its end. Without a listener it reads no clock.</summary>
internal sealed class GenerationInstruments
{
    private static readonly Counter<long> _requests = TrainingInstruments.Meter.CreateCounter<long>(
        "reversible.generation.requests", "{request}", "Requests for generated text that have ended.");

    private static readonly Counter<long> _tokens = TrainingInstruments.Meter.CreateCounter<long>(
        "reversible.generation.tokens", "{token}", "Tokens generated, including those that end a text.");

    private static readonly Histogram<double> _duration = TrainingInstruments.Meter.CreateHistogram<double>(
        "reversible.generation.duration", "s", "Time that a request has computed.");

    private readonly string _device;
    private bool _began;
    private TimeSpan _computed;
    private string? _error;

    /// <summary>Begins a request.</summary>
    /// <param name="device">The device of the model.</param>
    public GenerationInstruments(string device) => _device = device;

    /// <summary>Computes tokens and measures their number and time.</summary>
    /// <param name="count">The number of tokens.</param>
    /// <param name="compute">Computes them.</param>
    public void Compute(int count, Action compute)
    {
        _began = true;
        long start = _duration.Enabled ? Stopwatch.GetTimestamp() : 0;
        try
        {
            compute();
            if (_tokens.Enabled) _tokens.Add(count, Tags());
        }
        catch (Exception e)
        {
            _error = e.GetType().FullName;
            throw;
        }
        finally
        {
            if (start != 0) _computed += Stopwatch.GetElapsedTime(start);
        }
    }

    /// <summary>Notes that the request was cancelled.</summary>
    public void Cancelled() => _error = typeof(OperationCanceledException).FullName;

    /// <summary>Ends the request. One that has computed nothing is not counted.</summary>
    public void End()
    {
        if (!_began) return;
        _began = false;
        if (_requests.Enabled) _requests.Add(1, Tags());
        if (_duration.Enabled) _duration.Record(_computed.TotalSeconds, Tags());
    }

    private TagList Tags()
    {
        TagList tags = new() { { "reversible.device", _device } };
        if (_error is not null) tags.Add("error.type", _error);
        return tags;
    }
}
