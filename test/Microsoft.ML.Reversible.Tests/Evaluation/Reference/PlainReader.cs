using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>
/// A Llama in plain float64 loops that evaluates a text token by token and keeps the keys and values. A text is evaluated from the first
/// token that differs from the text before. Not safe to use from several threads; <see cref="Another"/> makes one for each.
/// </summary>
internal sealed class PlainReader
{
    private readonly Dictionary<string, double[]> _weights;
    private readonly int _layers, _heads, _keyValueHeads, _size;
    private readonly double _epsilon, _theta;

    // For each layer, the values of each channel over the positions.
    private readonly double[][][] _keys, _values;
    private readonly List<int> _read = [];

    /// <summary>Reads config.json and model.safetensors of a folder of Hugging Face's Llama form.</summary>
    public PlainReader(string folder)
    {
        _weights = PlainWeights.Read(Path.Combine(folder, "model.safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        JsonElement shape = json.RootElement;
        _layers = shape.GetProperty("num_hidden_layers").GetInt32();
        _heads = shape.GetProperty("num_attention_heads").GetInt32();
        _keyValueHeads = shape.GetProperty("num_key_value_heads").GetInt32();
        _size = shape.GetProperty("hidden_size").GetInt32() / _heads;
        _epsilon = shape.GetProperty("rms_norm_eps").GetDouble();
        _theta = shape.GetProperty("rope_theta").GetDouble();
        ContextLength = shape.GetProperty("max_position_embeddings").GetInt32();
        Assert.IsTrue(shape.GetProperty("tie_word_embeddings").GetBoolean(), "only a tied head is written here");
        (_keys, _values) = (Rows(), Rows());
    }

    private PlainReader(PlainReader other)
    {
        (_weights, _layers, _heads, _keyValueHeads) = (other._weights, other._layers, other._heads, other._keyValueHeads);
        (_size, _epsilon, _theta, ContextLength) = (other._size, other._epsilon, other._theta, other.ContextLength);
        (_keys, _values) = (Rows(), Rows());
    }

    /// <summary>Most tokens of an input.</summary>
    public int ContextLength { get; }

    /// <summary>A reader of the same weights that has read nothing.</summary>
    public PlainReader Another() => new(this);

    /// <summary>The log-softmax rows at the last <paramref name="count"/> tokens of an input.</summary>
    public double[][] LastLogProbabilities(IReadOnlyList<int> input, int count)
    {
        Assert.IsTrue(input.Count <= ContextLength, "the input is longer than the context");
        int alike = 0, first = input.Count - count;
        while (alike < Math.Min(_read.Count, first) && _read[alike] == input[alike]) alike++;
        _read.RemoveRange(alike, _read.Count - alike);

        var result = new double[count][];
        for (int t = alike; t < input.Count; t++)
        {
            double[] state = Read(input[t]);
            if (t < first) continue;
            double[] logits = PlainRows.Times(_weights["model.embed_tokens.weight"], Norm("model.norm", state));
            double total = PlainRows.Softmax([.. logits]);
            result[t - first] = [.. logits.Select(l => l - total)];
        }
        return result;
    }

    private double[] Read(int token)
    {
        int width = _heads * _size;
        double[] x = _weights["model.embed_tokens.weight"].AsSpan(token * width, width).ToArray();
        for (int layer = 0; layer < _layers; layer++)
        {
            string at = $"model.layers.{layer}.";
            PlainRows.AddScaled(x, 1, Attention(layer, at + "self_attn.", Norm(at + "input_layernorm", x)));
            PlainRows.AddScaled(x, 1, Mlp(at + "mlp.", Norm(at + "post_attention_layernorm", x)));
        }
        _read.Add(token);
        return x;
    }

    private double[] Attention(int layer, string at, double[] x)
    {
        int t = _read.Count, group = _heads / _keyValueHeads;
        double[] queries = Turn(PlainRows.Times(_weights[at + "q_proj.weight"], x), t);
        double[] key = Turn(PlainRows.Times(_weights[at + "k_proj.weight"], x), t);
        double[] value = PlainRows.Times(_weights[at + "v_proj.weight"], x);
        for (int i = 0; i < key.Length; i++) (_keys[layer][i][t], _values[layer][i][t]) = (key[i], value[i]);

        var mixed = new double[_heads * _size];
        var scores = new double[t + 1];
        for (int head = 0; head < _heads; head++)
        {
            int q = head * _size, k = head / group * _size;
            Array.Clear(scores);
            for (int i = 0; i < _size; i++)
                PlainRows.AddScaled(scores, queries[q + i] / Math.Sqrt(_size), _keys[layer][k + i].AsSpan(0, t + 1));
            PlainRows.Softmax(scores);
            for (int i = 0; i < _size; i++) mixed[q + i] = PlainRows.Dot(scores, _values[layer][k + i].AsSpan(0, t + 1));
        }
        return PlainRows.Times(_weights[at + "o_proj.weight"], mixed);
    }

    /// <summary>Turns the pair (i, i + d/2) of every head by t θ^(-2i/d).</summary>
    private double[] Turn(double[] x, int t)
    {
        int half = _size / 2;
        for (int i = 0; i < half; i++)
        {
            (double sin, double cos) = Math.SinCos(t * Math.Pow(_theta, -2.0 * i / _size));
            for (int start = 0; start < x.Length; start += _size)
            {
                (double a, double b) = (x[start + i], x[start + i + half]);
                (x[start + i], x[start + i + half]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }
        return x;
    }

    private double[][][] Rows() =>
        [.. Enumerable.Range(0, _layers).Select(_ => Enumerable.Range(0, _keyValueHeads * _size)
            .Select(_ => new double[ContextLength]).ToArray())];

    private double[] Mlp(string at, double[] x)
    {
        double[] gate = PlainRows.Times(_weights[at + "gate_proj.weight"], x);
        double[] up = PlainRows.Times(_weights[at + "up_proj.weight"], x);
        for (int i = 0; i < up.Length; i++) up[i] *= gate[i] / (1 + Math.Exp(-gate[i]));
        return PlainRows.Times(_weights[at + "down_proj.weight"], up);
    }

    private double[] Norm(string name, double[] x)
    {
        double scale = 1 / Math.Sqrt(PlainRows.Dot(x, x) / x.Length + _epsilon);
        double[] weight = _weights[name + ".weight"];
        return [.. x.Select((v, i) => v * scale * weight[i])];
    }
}
