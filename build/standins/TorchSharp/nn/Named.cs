namespace TorchSharp;

// A few things under names, in the order in which they came.
internal sealed class Named<T>
{
    private readonly List<(string Name, T Value)> _items = [];
    private readonly Dictionary<string, int> _places = [];

    internal T this[string name]
    {
        set
        {
            if (_places.TryGetValue(name, out var place))
            {
                _items[place] = (name, value);
                return;
            }
            _places[name] = _items.Count;
            _items.Add((name, value));
        }
    }

    internal bool Contains(string name) => _places.ContainsKey(name);

    internal bool TryGet(string name, out T value)
    {
        var found = _places.TryGetValue(name, out var place);
        value = found ? _items[place].Value : default;
        return found;
    }

    internal void Remove(string name)
    {
        if (!_places.Remove(name, out var place))
            return;
        _items.RemoveAt(place);
        for (var i = place; i < _items.Count; i++)
            _places[_items[i].Name] = i;
    }

    internal void Clear()
    {
        _items.Clear();
        _places.Clear();
    }

    public List<(string Name, T Value)>.Enumerator GetEnumerator() => _items.GetEnumerator();

    internal IReadOnlyList<(string Name, T Value)> Snapshot() => _items.ToArray();
}
