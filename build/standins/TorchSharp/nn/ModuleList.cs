using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    // Modules in an order, registered under their numbers.
    public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
    {
        private readonly List<T> _list = [];

        public ModuleList(params T[] modules) : base(nameof(ModuleList<T>))
        {
            _list.AddRange(modules);
            RegisterComponents();
        }

        protected override void RegisterComponents()
        {
            ForgetModules();
            for (var i = 0; i < _list.Count; i++)
                register_module($"{i}", _list[i]);
        }

        public T this[int index]
        {
            get => _list[index];
            set => Change(() => _list[index] = value);
        }

        public int Count => _list.Count;

        public bool IsReadOnly => false;

        public void Add(T item)
        {
            register_module($"{_list.Count}", item);
            _list.Add(item);
        }

        public void append(params T[] parameters) => extend(parameters);

        public void extend(IEnumerable<T> modules)
        {
            foreach (var module in modules)
                Add(module);
        }

        public void Clear() => Change(_list.Clear);

        public bool Contains(T item) => _list.Contains(item);

        public void CopyTo(T[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);

        public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public int IndexOf(T item) => _list.IndexOf(item);

        public void Insert(int index, T item) => Change(() => _list.Insert(index, item));

        public bool Remove(T item)
        {
            var removed = false;
            Change(() => removed = _list.Remove(item));
            return removed;
        }

        public void RemoveAt(int index) => Change(() => _list.RemoveAt(index));

        private void Change(Action change)
        {
            change();
            RegisterComponents();
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.ModuleList<Module> ModuleList(params Module[] modules) => new(modules);

            public static Modules.ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        }
    }
}
