using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The rotary positions of a layer.</summary>
/// <param name="Theta">θ, the base of the wavelengths.</param>
/// <param name="Scaling">How the frequencies are changed for long sequences; null for θ^(-2i/d) at any length.</param>
/// <param name="Fraction">The part of a head's numbers, from the first, that is rotated.</param>
internal sealed record RotarySettings(double Theta, RotaryScaling? Scaling = null, double Fraction = 1)
{
    /// <summary>Number of a head's numbers that are rotated.</summary>
    public int Size(int headSize) => (int)(headSize * Fraction);

    /// <summary>Returns the angle per position of each pair of numbers.</summary>
    /// <param name="size">d.</param>
    /// <param name="length">Number of tokens in the sequence.</param>
    public double[] Frequencies(int size, int length)
    {
        double theta = Scaling?.Base(Theta, size, length) ?? Theta;
        double[] frequencies = [.. Enumerable.Range(0, size / 2).Select(i => Math.Pow(theta, -2.0 * i / size))];
        return Scaling?.Change(frequencies, theta) ?? frequencies;
    }

    /// <summary>
    /// Reads the settings of a config.json: <c>rope_theta</c> and <c>rope_scaling</c> as transformers 4 wrote them, or
    /// <c>rope_parameters</c>.
    /// </summary>
    /// <param name="json">The file.</param>
    /// <param name="theta">θ where the file has none.</param>
    /// <param name="layerType">The key of a layer type within <c>rope_parameters</c>; null where all layers have the same settings.</param>
    public static RotarySettings Read(ConfigurationJson json, double theta, string? layerType)
    {
        var settings = new RotarySettings(
            json.Value("rope_theta", theta), Fraction: json.Value("partial_rotary_factor", ifAbsent: 1.0));
        if (json.Section("rope_scaling") is { } scaling) settings = Read(json, scaling, "rope_scaling", settings);
        return OfLayerType(json, layerType) is { } own ? Read(json, own, "rope_parameters", settings) : settings;
    }

    /// <summary>Reads the settings that layers with a window have: <c>rope_local_base_freq</c>, or those of a layer type.</summary>
    /// <inheritdoc cref="Read(ConfigurationJson, double, string)"/>
    public static RotarySettings ReadLocal(ConfigurationJson json, double theta, string layerType)
    {
        var settings = new RotarySettings(json.Value("rope_local_base_freq", theta));
        if (OfLayerType(json, layerType) is { } own) settings = Read(json, own, "rope_parameters", settings);
        return settings.Scaling is null
            ? settings
            : throw new InvalidDataException($"its rope_parameters scale {layerType}, for which only \"default\" is supported");
    }

    private static ConfigurationJson? OfLayerType(ConfigurationJson json, string? layerType)
    {
        if (json.Section("rope_parameters") is not { } parameters) return null;
        if (layerType is not null)
            return parameters.Section(layerType) ?? throw new InvalidDataException($"its rope_parameters lack '{layerType}'");
        return parameters.Has("full_attention") || parameters.Has("sliding_attention")
            ? throw new InvalidDataException("its rope_parameters are given for each type of layer, which its model_type does not have")
            : parameters;
    }

    private static RotarySettings Read(ConfigurationJson json, ConfigurationJson positions, string name, RotarySettings settings) => new(
        positions.Value("rope_theta", settings.Theta),
        RotaryScaling.Read(json, positions, name),
        positions.Value("partial_rotary_factor", settings.Fraction));
}

/// <summary>
/// A change of the rotary frequencies by which a model reads sequences that are longer than those it was first trained on: a
/// <c>rope_type</c> of a config.json.
/// </summary>
internal abstract record RotaryScaling
{
    private static readonly Dictionary<string, Func<ConfigurationJson, int, RotaryScaling?>> _types = new()
    {
        ["default"] = (_, _) => null,
        ["linear"] = (json, _) => new LinearScaling(Positive(json, "factor")),
        ["dynamic"] = (json, longest) => new DynamicScaling(Positive(json, "factor"), longest),
        ["llama3"] = (json, _) => new Llama3Scaling(
            Positive(json, "factor"), Positive(json, "low_freq_factor"), Positive(json, "high_freq_factor"),
            Positive(json, "original_max_position_embeddings")),
        ["yarn"] = YarnScaling.Read,
    };

    /// <summary>The factor of the cosines and sines, which scales the attention's scores by its square.</summary>
    public virtual double TableFactor => 1;

    /// <summary>The length from which on the frequencies depend on the length of the whole sequence; null if they never do.</summary>
    public virtual int? FixedLength => null;

    /// <summary>The most tokens of a sequence, given the file's max_position_embeddings.</summary>
    public virtual int Context(int longest) => longest;

    /// <summary>Returns θ for a sequence.</summary>
    public virtual double Base(double theta, int size, int length) => theta;

    /// <summary>Returns the changed frequencies.</summary>
    public virtual double[] Change(double[] frequencies, double theta) => frequencies;

    /// <summary>Returns the fields of a <c>rope_scaling</c>.</summary>
    public abstract JsonObject ToJson();

    /// <summary>Reads a <c>rope_scaling</c> or <c>rope_parameters</c>.</summary>
    /// <exception cref="InvalidDataException">The type is unknown, or a field is missing or out of range; the message names it.</exception>
    public static RotaryScaling? Read(ConfigurationJson json, ConfigurationJson positions, string name)
    {
        string type = positions.Value("rope_type", positions.Value("type", "default"));
        if (!_types.TryGetValue(type, out Func<ConfigurationJson, int, RotaryScaling?>? read))
            throw new InvalidDataException(
                $"its {name} is of type {ConfigurationJson.Show(type)}, and only {string.Join(", ", _types.Keys)} are supported");
        return read(positions, json.Required<int>("max_position_embeddings"));
    }

    private protected static double Positive(ConfigurationJson json, string name) => Positive(json.Required<double>(name), name);

    private protected static double Positive(double value, string name) => value > 0 && double.IsFinite(value)
        ? value
        : throw new InvalidDataException(string.Create(
            CultureInfo.InvariantCulture, $"the {name} of its rotary positions is {value}, and must be positive and finite"));
}

/// <summary>Divides positions by a factor.</summary>
internal sealed record LinearScaling(double Factor) : RotaryScaling
{
    /// <inheritdoc/>
    public override double[] Change(double[] frequencies, double theta) => Array.ConvertAll(frequencies, f => f / Factor);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["rope_type"] = "linear", ["factor"] = ConfigurationJson.Float(Factor) };
}

/// <summary>
/// Raises θ with the length n of the sequence beyond the trained length t: θ (s n / t - (s - 1))^(d / (d - 2)) with the factor s. The keys
/// of a cache keep the rotation of the length at which they were computed, as in transformers.
/// </summary>
internal sealed record DynamicScaling(double Factor, int TrainedLength) : RotaryScaling
{
    /// <inheritdoc/>
    public override int? FixedLength => TrainedLength;

    /// <summary>The factor's multiple of the trained length, for which the factor is chosen.</summary>
    public override int Context(int longest) => (int)Math.Min(int.MaxValue, longest * Math.Max(1, Factor));

    /// <inheritdoc/>
    public override double Base(double theta, int size, int length)
    {
        if (length <= TrainedLength) return theta;
        double stretch = Factor * length / TrainedLength - (Factor - 1);
        return theta * Math.Pow(stretch, size / (size - 2.0));
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["rope_type"] = "dynamic", ["factor"] = ConfigurationJson.Float(Factor) };
}

/// <summary>
/// Divides the frequencies whose wavelength is over <see cref="OriginalLength"/> / <see cref="LowFactor"/> by a factor, keeps those under
/// <see cref="OriginalLength"/> / <see cref="HighFactor"/>, and interpolates between the two.
/// </summary>
internal sealed record Llama3Scaling(double Factor, double LowFactor, double HighFactor, double OriginalLength) : RotaryScaling
{
    /// <inheritdoc/>
    public override double[] Change(double[] frequencies, double theta) => Array.ConvertAll(frequencies, frequency =>
    {
        double periods = OriginalLength * frequency / (2 * Math.PI);
        if (periods < LowFactor) return frequency / Factor;
        if (periods > HighFactor) return frequency;
        double kept = (periods - LowFactor) / (HighFactor - LowFactor);
        return (1 - kept) * frequency / Factor + kept * frequency;
    });

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["rope_type"] = "llama3",
        ["factor"] = ConfigurationJson.Float(Factor),
        ["low_freq_factor"] = ConfigurationJson.Float(LowFactor),
        ["high_freq_factor"] = ConfigurationJson.Float(HighFactor),
        ["original_max_position_embeddings"] = (int)OriginalLength,
    };
}

/// <summary>
/// [YaRN](https://arxiv.org/abs/2309.00071): divides low frequencies by a factor, keeps high ones, with a linear ramp between the pairs
/// that turn <see cref="BetaFast"/> and <see cref="BetaSlow"/> times in the original length; cosines and sines get a factor.
/// </summary>
internal sealed record YarnScaling(double Factor, double OriginalLength) : RotaryScaling
{
    /// <summary>The given factor of the cosines and sines; null derives it from <see cref="Factor"/>.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>The number of turns from which on a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>The number of turns up to which a frequency is divided by the factor.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>The weights of log(factor) above and below the line in the derived factor; null, or 0, is not given.</summary>
    public (double? Above, double? Below) Magnitudes { get; init; }

    /// <summary>Whether the ramp begins and ends at whole pairs.</summary>
    public bool Truncate { get; init; } = true;

    /// <inheritdoc/>
    public override double TableFactor
    {
        get
        {
            if (AttentionFactor is { } given) return given;
            return Magnitudes is ({ } above and not 0, { } below and not 0) ? Magnitude(above) / Magnitude(below) : Magnitude(1);

            double Magnitude(double weight) => Factor <= 1 ? 1 : 0.1 * weight * Math.Log(Factor) + 1;
        }
    }

    /// <summary>Reads the fields.</summary>
    /// <param name="json">The settings of the positions.</param>
    /// <param name="longest">The file's max_position_embeddings.</param>
    public static YarnScaling Read(ConfigurationJson json, int longest)
    {
        const string originalLength = "original_max_position_embeddings";
        double original = Positive(json.Value(originalLength, ifAbsent: (double)longest), originalLength);
        return new(Positive(json.Value("factor", ifAbsent: longest / original), "factor"), original)
        {
            AttentionFactor = json.Has("attention_factor") ? Positive(json, "attention_factor") : null,
            BetaFast = Positive(json.Value("beta_fast", ifAbsent: 32.0), "beta_fast"),
            BetaSlow = Positive(json.Value("beta_slow", ifAbsent: 1.0), "beta_slow"),
            Magnitudes = (json.Value<double?>("mscale"), json.Value<double?>("mscale_all_dim")),
            Truncate = json.Value("truncate", ifAbsent: true),
        };
    }

    /// <inheritdoc/>
    public override double[] Change(double[] frequencies, double theta)
    {
        int size = 2 * frequencies.Length;
        double first = Pair(BetaFast), last = Pair(BetaSlow);
        if (Truncate) (first, last) = (Math.Floor(first), Math.Ceiling(last));
        (first, last) = (Math.Max(first, 0), Math.Min(last, size - 1));
        // A ramp of no length would divide by zero.
        if (first == last) last += 0.001;
        return [.. frequencies.Select((frequency, i) =>
        {
            double divided = Math.Clamp((i - first) / (last - first), 0, 1);
            return frequency / Factor * divided + frequency * (1 - divided);
        })];

        // The pair, as a fraction, whose numbers turn so many times in the original length.
        double Pair(double turns) => size * Math.Log(OriginalLength / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["rope_type"] = "yarn",
            ["factor"] = ConfigurationJson.Float(Factor),
            ["original_max_position_embeddings"] = (int)OriginalLength,
            ["beta_fast"] = ConfigurationJson.Float(BetaFast),
            ["beta_slow"] = ConfigurationJson.Float(BetaSlow),
            ["truncate"] = Truncate,
        };
        if (AttentionFactor is { } factor) json["attention_factor"] = ConfigurationJson.Float(factor);
        if (Magnitudes.Above is { } above) json["mscale"] = ConfigurationJson.Float(above);
        if (Magnitudes.Below is { } below) json["mscale_all_dim"] = ConfigurationJson.Float(below);
        return json;
    }
}
