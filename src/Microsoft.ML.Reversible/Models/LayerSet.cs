using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A set of a model's layers: those of a list, or all from one on except every n-th.</summary>
/// <remarks>A rule, not a list, where a file has none: a damaged configuration may ask for any number of layers.</remarks>
internal sealed record LayerSet
{
    private const string Sliding = "sliding_attention";
    private const string Full = "full_attention";

    private readonly string? _listed;
    private readonly int _first;
    private readonly int _except;
    private readonly bool _inverted;

    private LayerSet(string? listed, int first, int except) => (_listed, _first, _except) = (listed, first, except);

    private LayerSet(LayerSet other, bool inverted) : this(other._listed, other._first, other._except) => _inverted = inverted;

    /// <summary>All layers.</summary>
    public static LayerSet All { get; } = From(0);

    /// <summary>No layer.</summary>
    public static LayerSet None { get; } = All.Others;

    /// <summary>The layers that are not in the set.</summary>
    public LayerSet Others => new(this, !_inverted);

    /// <summary>Returns all layers from one on.</summary>
    public static LayerSet From(int first) => new(null, first, int.MaxValue);

    /// <summary>Returns all layers except every n-th.</summary>
    /// <param name="n">n, at least 1.</param>
    public static LayerSet AllButEvery(int n) => new(null, 0, n);

    /// <summary>Returns the layers for which a list says so.</summary>
    public static LayerSet Of(IEnumerable<bool> contained) => new(string.Concat(contained.Select(yes => yes ? '1' : '0')), 0, 0);

    /// <summary>Returns whether a layer is in the set.</summary>
    public bool Contains(int layer)
    {
        bool named = _listed is null ? layer >= _first && (layer + 1L) % _except != 0 : layer < _listed.Length && _listed[layer] == '1';
        return named != _inverted;
    }

    /// <summary>Reads the layers with a sliding window from the field <c>layer_types</c>.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="window">The window; null if the file has none.</param>
    /// <param name="ifAbsent">The layers where there is no such field.</param>
    public static LayerSet ReadSliding(ConfigurationJson json, int? window, LayerSet ifAbsent)
    {
        LayerSet sliding = ReadTypes(json) ?? ifAbsent;
        return window is not null || sliding == None
            ? sliding
            : throw new InvalidDataException("some of its layers have a sliding window, but its sliding_window is not set");
    }

    /// <summary>Returns the field <c>layer_types</c> of a model whose layers of this set have a sliding window.</summary>
    public JsonArray ToLayerTypes(int layers) =>
        [.. Enumerable.Range(0, layers).Select(layer => (JsonNode)(Contains(layer) ? Sliding : Full))];

    private static LayerSet? ReadTypes(ConfigurationJson json)
    {
        if (json.Texts("layer_types") is not { } types) return null;
        int layers = json.Required<int>("num_hidden_layers");
        if (types.Count != layers)
            throw new InvalidDataException($"its layer_types has {types.Count} entries, and its num_hidden_layers is {layers}");
        foreach (string type in types)
            if (type is not (Sliding or Full))
                throw new InvalidDataException(
                    $"its layer_types has {ConfigurationJson.Show(type)}, and only {Full} and {Sliding} are supported");
        return types.Contains(Sliding) ? Of(types.Select(type => type == Sliding)) : None;
    }
}
